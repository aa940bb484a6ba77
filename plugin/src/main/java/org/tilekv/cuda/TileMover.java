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
package org.tilekv.cuda;

import java.nio.ByteBuffer;
import org.tilekv.OpenedResources;

/**
 * Copies tiles between scattered pages of the device and scattered frames of pinned host memory, in
 * the order of a stream of the caller's. Ordering against compute is the caller's affair: an event
 * behind the last writer before, one behind the copies after.
 *
 * <p>Two ways. Per tile, one copy of the driver's each. Gathered, one kernel for up to {@value
 * #MAX_MOVES} tiles, of as many blocks as the mover was made with, that reads or writes the host's
 * memory itself. {@link TransferCalibration} measures both.
 *
 * <p>Used by one thread at a time. The lists of moves are kept in a ring of pinned memory; a call
 * waits where the ring is full of lists that are still being read.
 */
public final class TileMover implements AutoCloseable {

  /** How tiles are copied. */
  public enum Path {
    PER_TILE,
    GATHERED
  }

  /** Most moves of one launch. */
  public static final int MAX_MOVES = 4096;

  private static final int LISTS = 4;
  private static final int MOVE_BYTES = 2 * Long.BYTES;
  private static final int BLOCK_THREADS = 512;

  private final CudaDevice device;
  private final CudaFunction kernel;
  private final int blocks;
  private final OpenedResources opened = new OpenedResources();
  private final PinnedMemory lists;
  private final ByteBuffer moves;
  private final CudaEvent[] read = new CudaEvent[LISTS];
  private final KernelArguments arguments = new KernelArguments(3);
  private int next;

  /**
   * @param blocks blocks of the gathered copy: as many multiprocessors are shared with it
   */
  public TileMover(CudaDevice device, KernelModules kernels, int blocks) {
    this.device = device;
    this.blocks = blocks;
    kernel = kernels.function("tile_copy", "tilekv_copy_tiles");
    try {
      lists = opened.add(device.allocatePinned((long) LISTS * MAX_MOVES * MOVE_BYTES, "moves"));
      for (int i = 0; i < LISTS; i++) {
        read[i] = opened.add(device.createEvent(false));
      }
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
    moves = lists.buffer();
  }

  /**
   * Device to pinned host memory: {@code tileBytes}, a multiple of 16, from {@code pages[i]} to
   * {@code frames[i]} for each {@code i} below {@code count}; all are addresses.
   */
  public void toHost(
      CudaStream stream, Path path, long[] pages, long[] frames, int count, int tileBytes) {
    if (path == Path.GATHERED) {
      gather(stream, pages, frames, count, tileBytes);
      return;
    }
    for (int i = 0; i < count; i++) {
      stream.copyToHost(frames[i], pages[i], tileBytes);
    }
  }

  /** Pinned host memory to the device: as {@link #toHost}, the other way. */
  public void toDevice(
      CudaStream stream, Path path, long[] frames, long[] pages, int count, int tileBytes) {
    if (path == Path.GATHERED) {
      gather(stream, frames, pages, count, tileBytes);
      return;
    }
    for (int i = 0; i < count; i++) {
      stream.copyToDevice(pages[i], frames[i], tileBytes);
    }
  }

  private void gather(CudaStream stream, long[] from, long[] to, int count, int tileBytes) {
    if (tileBytes % 16 != 0) {
      throw new IllegalArgumentException(
          "a tile has " + tileBytes + " bytes; gathered copies take multiples of 16");
    }
    for (int first = 0; first < count; first += MAX_MOVES) {
      launch(stream, from, to, first, Math.min(MAX_MOVES, count - first), tileBytes);
    }
  }

  private void launch(
      CudaStream stream, long[] from, long[] to, int first, int count, int tileBytes) {
    int list = next;
    next = (next + 1) % LISTS;
    read[list].synchronize();
    int at = list * MAX_MOVES * MOVE_BYTES;
    for (int i = 0; i < count; i++) {
      moves.putLong(at + i * MOVE_BYTES, from[first + i]);
      moves.putLong(at + i * MOVE_BYTES + Long.BYTES, to[first + i]);
    }
    arguments.begin().address(lists.address() + at).integer(count).address(tileBytes);
    kernel.launch(stream, blocks, 1, 1, BLOCK_THREADS, 0, arguments);
    stream.record(read[list]);
  }

  @Override
  public void close() {
    device.makeCurrent();
    opened.close();
  }
}
