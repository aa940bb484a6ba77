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

import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;
import org.tilekv.cuda.PinnedMemory;
import org.tilekv.page.PageTable;
import org.tilekv.page.PageTableMirror;

/**
 * The copy of a page table that kernels read, with one more row that never has a page: what is
 * padded in a captured graph points there.
 *
 * <p>What changed is written to pinned memory as (index, page) pairs; one copy and one kernel bring
 * a step's changes to the device, so that the time grows with what changed and not with the table.
 * Used by one thread, in the order of one stream.
 */
public final class CudaPageTable implements PageTableMirror, AutoCloseable {

  private static final int PAIR_BYTES = 2 * Integer.BYTES;
  private static final int PAIRS = 1 << 16;
  private static final int BLOCK = 256;

  private final PageTable table;
  private final CudaStream stream;
  private final DeviceMemory entries;
  private final DeviceMemory devicePairs;
  private final PinnedMemory pairs;
  private final CudaFunction scatter;
  private final KernelArguments arguments = new KernelArguments(3);
  private int staged;
  private int sent;
  private long uploadedBytes;

  /** Allocates the mirror and uploads the table as it is. */
  public CudaPageTable(
      CudaDevice device, KernelModules kernels, CudaStream stream, PageTable table) {
    this.table = table;
    this.stream = stream;
    scatter = kernels.function("page_table", "tilekv_scatter");
    long bytes = (long) Integer.BYTES * (table.rows() + 1) * table.heads() * table.maxTiles();
    entries = device.allocate(bytes, "page table");
    devicePairs = device.allocate((long) PAIRS * PAIR_BYTES, "page table");
    pairs = device.allocatePinned((long) PAIRS * PAIR_BYTES, "page table");
    stream.fill(entries.address(), (byte) -1, bytes);
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
   * Brings the changes since the last call to the device, in the order of the stream. What the call
   * before it sent must have arrived.
   *
   * @return bytes sent
   */
  public int sync() {
    staged = 0;
    sent = 0;
    table.syncToDevice(this);
    flush();
    int bytes = sent * PAIR_BYTES;
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
      if (staged == PAIRS) {
        flush();
        stream.synchronize();
      }
      int at = staged++ * PAIR_BYTES;
      pairs.buffer().putInt(at, i).putInt(at + Integer.BYTES, values[i]);
    }
  }

  private void flush() {
    if (staged == 0) {
      return;
    }
    stream.copyToDevice(devicePairs.address(), pairs.address(), (long) staged * PAIR_BYTES);
    arguments.begin().address(entries.address()).address(devicePairs.address()).integer(staged);
    scatter.launch(stream, (staged + BLOCK - 1) / BLOCK, 1, 1, BLOCK, 0, arguments);
    sent += staged;
    staged = 0;
  }

  @Override
  public void close() {
    pairs.close();
    devicePairs.close();
    entries.close();
  }
}
