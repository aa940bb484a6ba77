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
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Reads special token ids, which are an integer, a list of integers, null or absent. */
final class TokenIdReader {

  private TokenIdReader() {}

  /** Ids under a key of the first object that has it; none where no object has it. */
  static Set<Integer> all(List<JsonObject> objects, String key, int vocabSize) {
    Set<Integer> ids = new TreeSet<>();
    for (JsonObject object : objects) {
      if (object.has(key)) {
        JsonNode value = object.get(key);
        if (!value.isArray()) {
          ids.add(id(object, key, value, vocabSize));
        }
        for (JsonNode element : value) {
          ids.add(id(object, key, element, vocabSize));
        }
        return ids;
      }
    }
    return ids;
  }

  /** The single id under a key of the first object that has it, or null. */
  static @Nullable Integer one(List<JsonObject> objects, String key, int vocabSize) {
    for (JsonObject object : objects) {
      if (object.has(key)) {
        return id(object, key, object.get(key), vocabSize);
      }
    }
    return null;
  }

  private static int id(JsonObject object, String key, JsonNode value, int vocabSize) {
    if (!value.isInt() || value.intValue() < 0 || value.intValue() >= vocabSize) {
      throw object.refused(key, "token ids from 0 to " + (vocabSize - 1) + " are allowed");
    }
    return value.intValue();
  }
}
