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
package org.tilekv.prefix;

import java.util.LinkedHashMap;
import java.util.Map;

/** A bounded set that forgets the oldest keys. */
final class RecentKeys<K> {

  private final Map<K, Boolean> keys;

  RecentKeys(int limit) {
    keys =
        new LinkedHashMap<>() {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<K, Boolean> eldest) {
            return size() > limit;
          }
        };
  }

  void add(K key) {
    keys.remove(key);
    keys.put(key, true);
  }

  void remove(K key) {
    keys.remove(key);
  }

  boolean contains(K key) {
    return keys.containsKey(key);
  }
}
