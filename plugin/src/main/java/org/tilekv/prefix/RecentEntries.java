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
import org.jspecify.annotations.Nullable;

/** A bounded map that forgets the oldest entries. */
final class RecentEntries<K, V> {

  private final Map<K, V> entries;

  RecentEntries(int limit) {
    entries =
        new LinkedHashMap<>() {
          private static final long serialVersionUID = 1L;

          @Override
          protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
            return size() > limit;
          }
        };
  }

  /** Adds an entry, or makes it the youngest. */
  void put(K key, V value) {
    entries.remove(key);
    entries.put(key, value);
  }

  void remove(K key) {
    entries.remove(key);
  }

  @Nullable V get(K key) {
    return entries.get(key);
  }
}
