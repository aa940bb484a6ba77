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

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A bounded memory. */
class RecentEntriesTest {

  private final RecentEntries<String, Integer> entries = new RecentEntries<>(2);

  @Test
  void theOldestKeyIsForgotten() {
    entries.put("a", 1);
    entries.put("b", 1);
    entries.put("c", 1);
    assertThat(entries.get("a")).isNull();
    assertThat(entries.get("b")).isEqualTo(1);
    assertThat(entries.get("c")).isEqualTo(1);
  }

  @Test
  void aKeyAddedAgainIsYoung() {
    entries.put("a", 1);
    entries.put("b", 1);
    entries.put("a", 1);
    entries.put("c", 1);
    assertThat(entries.get("a")).isEqualTo(1);
    assertThat(entries.get("b")).isNull();
  }

  @Test
  void aRemovedKeyMakesRoom() {
    entries.put("a", 1);
    entries.put("b", 1);
    entries.remove("b");
    entries.remove("b");
    entries.put("c", 1);
    assertThat(entries.get("a")).isEqualTo(1);
    assertThat(entries.get("b")).isNull();
  }
}
