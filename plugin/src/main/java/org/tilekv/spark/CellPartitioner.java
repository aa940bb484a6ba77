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
package org.tilekv.spark;

import org.apache.spark.Partitioner;

/** Takes rows by their {@link CellLayout#key} to the cells, or back to where they came from. */
final class CellPartitioner extends Partitioner {
  private static final long serialVersionUID = 1L;

  private final CellLayout layout;
  private final boolean back;

  private CellPartitioner(CellLayout layout, boolean back) {
    this.layout = layout;
    this.back = back;
  }

  static CellPartitioner toCells(CellLayout layout) {
    return new CellPartitioner(layout, false);
  }

  static CellPartitioner toInput(CellLayout layout) {
    return new CellPartitioner(layout, true);
  }

  @Override
  public int numPartitions() {
    return back ? layout.inputPartitions() : layout.tasks();
  }

  @Override
  public int getPartition(Object key) {
    int inputPartition = CellLayout.inputPartition((Long) key);
    return back ? inputPartition : layout.task(inputPartition);
  }
}
