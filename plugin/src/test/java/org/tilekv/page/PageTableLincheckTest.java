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
package org.tilekv.page;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/**
 * One thread changes a row while another brings the mirror up to date: no change is ever lost on
 * the way to the mirror, whatever the interleaving.
 */
@Param(name = "tile", gen = IntGen.class, conf = "0:2")
@Param(name = "page", gen = IntGen.class, conf = "1:9")
public class PageTableLincheckTest {

  private final PageTable table = new PageTable(1, 1, 3);
  private final int[] mirror = {PageTable.NO_PAGE, PageTable.NO_PAGE, PageTable.NO_PAGE};

  @Operation(nonParallelGroup = "writer")
  public void assign(@Param(name = "tile") int tile, @Param(name = "page") int page) {
    table.assign(0, 0, tile, page);
  }

  @Operation(nonParallelGroup = "writer")
  public int remove(@Param(name = "tile") int tile) {
    return table.remove(0, 0, tile);
  }

  @Operation(nonParallelGroup = "device")
  public int mirrored(@Param(name = "tile") int tile) {
    table.syncToDevice(
        (entries, from, to) -> {
          for (int i = from; i < to; i++) {
            mirror[i] = entries[i];
          }
        });
    return mirror[tile];
  }

  @Test
  void noChangeIsLostOnTheWayToTheMirror() {
    new ModelCheckingOptions()
        .iterations(10)
        .invocationsPerIteration(300)
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(1)
        .actorsAfter(2)
        .check(PageTableLincheckTest.class);
  }
}
