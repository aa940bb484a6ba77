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
package org.tilekv.attention;

import org.tilekv.OpenedResources;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;
import org.tilekv.page.PageTable;
import org.tilekv.page.PageTableMirror;

/**
 * The copy of a page table that kernels read, with one more row that never has a page: what is
 * padded in a captured graph points there.
 *
 * <p>What changed is written to pinned memory as (index, page) pairs, and one kernel takes a step's
 * changes from there to the device, so that the time grows with what changed and not with the
 * table. Used by one thread, in the order of one stream.
 */
public final class CudaPageTable implements PageTableMirror, AutoCloseable {

  private static final int BLOCK = 256;

  private final OpenedResources opened = new OpenedResources();
  private final PageTable table;
  private final CudaStream stream;
  private final DeviceMemory entries;
  private final CudaFunction scatter;
  private final KernelArguments arguments = new KernelArguments(3);
  // One is filled while the device may still read the other.
  private StagedPairs filling;
  private StagedPairs other;
  private int sent;
  private long uploadedBytes;

  /** Allocates the mirror; the first {@link #sync} brings the table to it. */
  public CudaPageTable(
      CudaDevice device, KernelModules kernels, CudaStream stream, PageTable table) {
    this.table = table;
    this.stream = stream;
    scatter = kernels.function("page_table", "tilekv_scatter");
    long bytes = (long) Integer.BYTES * (table.rows() + 1) * table.heads() * table.maxTiles();
    try {
      entries = opened.add(device.allocate(bytes, "page table"));
      filling = opened.add(new StagedPairs(device));
      other = opened.add(new StagedPairs(device));
      stream.fill(entries.address(), (byte) -1, bytes);
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  /** Address of the int32 table {@code [rows + 1, heads, maxTiles]}. */
  public long address() {
    return entries.address();
  }

  /** The table that this is a copy of. */
  PageTable table() {
    return table;
  }

  /** A row whose tiles have no pages. */
  public int emptyRow() {
    return table.rows();
  }

  public int maxTiles() {
    return table.maxTiles();
  }

  /**
   * Brings the changes since the last call to the device, in the order of the stream. Waits where
   * the device has not begun the call before the last one.
   *
   * @return bytes sent
   */
  public int sync() {
    sent = 0;
    table.syncToDevice(this);
    flush();
    int bytes = sent * StagedPairs.PAIR_BYTES;
    uploadedBytes += bytes;
    return bytes;
  }

  /** Bytes that all calls have sent. */
  public long uploadedBytes() {
    return uploadedBytes;
  }

  @Override
  public void upload(int[] values, int from, int to) {
    for (int i = from; i < to; i++) {
      if (filling.isFull()) {
        flush();
      }
      filling.add(i, values[i]);
    }
  }

  private void flush() {
    int count = filling.size();
    if (count == 0) {
      return;
    }
    arguments.begin().address(entries.address()).address(filling.address()).integer(count);
    scatter.launch(stream, (count + BLOCK - 1) / BLOCK, 1, 1, BLOCK, 0, arguments);
    filling.sent(stream);
    sent += count;
    StagedPairs next = other;
    other = filling;
    filling = next;
  }

  @Override
  public void close() {
    opened.close();
  }
}
