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
package org.tilekv.llm;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;

/**
 * A JSON object with typed access: a wrong value is refused by file, key, value and what is
 * allowed. A key that is null counts as absent, except in {@link #isNull}.
 *
 * @param node the object
 * @param where stands for the object in messages
 */
record JsonObject(JsonNode node, String where) {

  static JsonObject read(Path file) {
    return new JsonObject(JsonFiles.readObject(file), file.toString());
  }

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** Whether the key is there with the value null. */
  boolean isNull(String key) {
    return node.path(key).isNull();
  }

  JsonNode get(String key) {
    return node.path(key);
  }

  /** An object under a key, which must be there. */
  JsonObject object(String key) {
    if (!get(key).isObject()) {
      throw refused(key, "an object is needed");
    }
    return new JsonObject(get(key), where + ": " + key);
  }

  int positiveInt(String key) {
    if (!has(key)) {
      throw new InvalidModelException(where + " has no " + key + "; a positive integer is needed");
    }
    JsonNode value = get(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw refused(key, "a positive integer is needed");
    }
    return value.intValue();
  }

  int positiveInt(String key, int absent) {
    return has(key) ? positiveInt(key) : absent;
  }

  double positiveNumber(String key) {
    if (!has(key)) {
      throw new InvalidModelException(where + " has no " + key + "; a positive number is needed");
    }
    JsonNode value = get(key);
    if (!value.isNumber() || !(value.doubleValue() > 0) || Double.isInfinite(value.doubleValue())) {
      throw refused(key, "a positive number is needed");
    }
    return value.doubleValue();
  }

  double positiveNumber(String key, double absent) {
    return has(key) ? positiveNumber(key) : absent;
  }

  boolean flag(String key, boolean absent) {
    if (!has(key)) {
      return absent;
    }
    if (!get(key).isBoolean()) {
      throw refused(key, "true or false is needed");
    }
    return get(key).booleanValue();
  }

  /** A text that must be one of a list. */
  String oneOf(String key, String absent, List<String> allowed) {
    String value = has(key) ? get(key).asText() : absent;
    if (!allowed.contains(value)) {
      throw refused(key, "allowed are " + String.join(", ", allowed));
    }
    return value;
  }

  InvalidModelException refused(String key, String allowed) {
    return new InvalidModelException(where + ": " + key + " is " + get(key) + "; " + allowed);
  }
}
