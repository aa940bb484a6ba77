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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tilekv.BatchPlan;

/** Tiles by name. */
class NameTableTest {

  @Test
  void findsAllNamesAndNoOthers() {
    Random random = new Random(3);
    for (int tiles : new int[] {0, 1, 2, 3, 64, 1000}) {
      long[] names = random.longs().distinct().limit(tiles).toArray();
      for (int i = 0; i < tiles; i += 3) {
        // Equal low bits: they ask for the same slot.
        names[i] = names[i] & ~0xFFFL | i % 2;
      }
      NameTable table = new NameTable(new BatchPlan(names, new int[tiles][0]));
      for (int i = 0; i < tiles; i++) {
        assertThat(table.find(names[i])).isEqualTo(i);
      }
      assertThat(table.find(42)).isEqualTo(-1);
    }
  }
}
