/*
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
package org.tilekv.coordinator;

/** Limits that fields of messages have in common. */
final class Fields {

  /** Characters of an executor id or host name. */
  static final int MAX_NAME_CHARS = 255;

  /** Characters of a free text. */
  static final int MAX_TEXT_CHARS = 4096;

  private Fields() {}

  static void requireName(String field, String value) {
    if (value.isEmpty() || value.length() > MAX_NAME_CHARS) {
      throw new IllegalArgumentException(
          field + " has " + value.length() + " characters; allowed are 1 to " + MAX_NAME_CHARS);
    }
  }

  static void requireNotNegative(String field, long value) {
    if (value < 0) {
      throw new IllegalArgumentException(field + " is " + value + "; it must not be negative");
    }
  }

  static void requirePort(int port) {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port is " + port + "; allowed are 0 to 65535");
    }
  }

  static void requireAtMost(String field, int count, int most) {
    if (count > most) {
      throw new IllegalArgumentException(count + " " + field + "; allowed are " + most);
    }
  }

  static String limit(String text) {
    return text.length() <= MAX_TEXT_CHARS ? text : text.substring(0, MAX_TEXT_CHARS);
  }
}
