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
package org.tilekv.config;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes and times with Spark's suffixes: a whole number and a unit. */
final class Units {

  private static final Pattern NUMBER_AND_SUFFIX = Pattern.compile("(\\d+)([a-z]*)");

  // Descending, the name to print first; the later names of a factor are read only.
  private static final Map<String, Long> BYTES = new LinkedHashMap<>();
  private static final Map<String, Long> MILLIS = new LinkedHashMap<>();

  static {
    BYTES.put("p", 1L << 50);
    BYTES.put("pb", 1L << 50);
    BYTES.put("t", 1L << 40);
    BYTES.put("tb", 1L << 40);
    BYTES.put("g", 1L << 30);
    BYTES.put("gb", 1L << 30);
    BYTES.put("m", 1L << 20);
    BYTES.put("mb", 1L << 20);
    BYTES.put("k", 1L << 10);
    BYTES.put("kb", 1L << 10);
    BYTES.put("b", 1L);
    BYTES.put("", 1L);
    MILLIS.put("d", 86_400_000L);
    MILLIS.put("h", 3_600_000L);
    MILLIS.put("min", 60_000L);
    MILLIS.put("m", 60_000L);
    MILLIS.put("s", 1_000L);
    MILLIS.put("ms", 1L);
    MILLIS.put("", 1L);
  }

  private Units() {}

  /** Bytes of "64m", "1g", "4096"; plain numbers are bytes. */
  static long parseBytes(String text) {
    return parse(text, BYTES);
  }

  /** Milliseconds of "10s", "500ms", "10min"; plain numbers are milliseconds. */
  static long parseMillis(String text) {
    return parse(text, MILLIS);
  }

  static String formatBytes(long bytes) {
    return format(bytes, BYTES);
  }

  static String formatMillis(long millis) {
    return format(millis, MILLIS);
  }

  private static long parse(String text, Map<String, Long> factors) {
    Matcher matcher = NUMBER_AND_SUFFIX.matcher(text.toLowerCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(text);
    }
    Long factor = factors.get(matcher.group(2));
    if (factor == null) {
      throw new IllegalArgumentException(text);
    }
    return Math.multiplyExact(Long.parseLong(matcher.group(1)), factor);
  }

  private static String format(long value, Map<String, Long> factors) {
    for (Map.Entry<String, Long> unit : factors.entrySet()) {
      if (value != 0 && value % unit.getValue() == 0) {
        return value / unit.getValue() + unit.getKey();
      }
    }
    return Long.toString(value);
  }
}
