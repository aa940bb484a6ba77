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
package org.tilekv.cache;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tilekv.cache.TestCaches.compute;
import static org.tilekv.cache.TestCaches.open;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tilekv.KvSequence;
import org.tilekv.prefix.TileGroup;

/** Books that were falsified by hand: the check has to find it. */
class CacheIntegrityTest {

  private final TileCache cache = TestCaches.cache(8);
  private final TileStore store = cache.store();

  @BeforeEach
  void use() {
    compute(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    KvSequence sequence = open(cache, 1, 2, 3, 4, 9);
    sequence.reserve(9);
    cache.checkIntegrity();
  }

  @Test
  void aReferenceTooMany() {
    named().retain();
    requireFound("users; it has");
  }

  @Test
  void aPageThatIsFreeAndInUse() {
    store.pool.release(new int[] {named().pages()[1]});
    requireFound("is free and in use");
  }

  @Test
  void aPageThatIsNowhere() {
    store.pool.acquire(1);
    requireFound("pages are used and");
  }

  @Test
  void aPageInTwoTiles() {
    TileGroup group = named();
    group.pages()[0] = group.pages()[1];
    requireFound("belongs to two tiles");
  }

  @Test
  void aTableEntryThatPointsElsewhere() {
    store.table.assign(0, 1, 1, 0);
    requireFound("it should be");
  }

  @Test
  void aTableEntryOfNobody() {
    store.table.assign(3, 0, 0, 5);
    requireFound("entries; counted");
  }

  @Test
  void aRowThatIsNowhere() {
    store.takeRow();
    requireFound("rows are used and");
  }

  @Test
  void countersThatAreOff() {
    store.counters.pinnedPages++;
    requireFound("pinned pages are");
    store.counters.pinnedPages--;
    store.retain(named());
    requireFound("users; it has");
  }

  /** The resident tile that nobody uses. */
  private TileGroup named() {
    List<TileGroup> unused = new ArrayList<>();
    store.index.forEach(
        group -> {
          if (group.references() == 0) {
            unused.add(group);
          }
        });
    return unused.get(0);
  }

  private void requireFound(String message) {
    assertThatThrownBy(cache::checkIntegrity)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(message);
  }
}
