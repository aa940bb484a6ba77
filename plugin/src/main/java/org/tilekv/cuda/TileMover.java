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
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.OpenedResources;

/**
 * Copies tiles between scattered pages of the device and scattered frames of pinned host memory, in
 * the order of a stream of the caller's. Ordering against compute is the caller's affair: an event
 * behind the last writer before, one behind the copies after.
 *
 * <p>Three ways. Per tile, one copy of the driver's each. Batched, many such copies in one call, on
 * several streams: what large tiles are for. Gathered, one kernel for up to {@value #MAX_MOVES}
 * tiles that reads or writes the host's memory itself, which small ones need. {@link
 * TransferCalibration} measures all. The kernel finds its list of moves in device memory: reads of
 * the host's would queue behind the tiles that are written there.
 *
 * <p>Used by one thread at a time. The lists of moves are kept in a ring; a call waits where the
 * ring is full of lists that are still being read.
 */
public final class TileMover implements AutoCloseable {

  /** How tiles are copied. */
  public enum Path {
    PER_TILE,
    GATHERED,
    BATCHED
  }

  /** Most moves of one launch. */
  public static final int MAX_MOVES = 4096;

  private static final int MOVE_BYTES = 2 * Long.BYTES;

  /** Few multiprocessors write as fast as the link. */
  public static final Grid TO_HOST = new Grid(8, 512);

  /**
   * Device to host while tiles come the other way: reads wait in line behind writes, so no more of
   * those are under way than the link needs.
   */
  public static final Grid TO_HOST_BESIDE = new Grid(4, 512);

  /** Reads of the host's memory come back late, and more must be under way. */
  public static final Grid TO_DEVICE = new Grid(16, 512);

  /**
   * How much of the device takes part in a gathered copy.
   *
   * @param blocks thread blocks
   * @param threads of each, at most 512
   */
  public record Grid(int blocks, int threads) {}

  private final CudaDevice device;
  private final CudaFunction kernel;
  private final OpenedResources opened = new OpenedResources();
  private final PinnedMemory lists;
  private final DeviceMemory deviceLists;
  private final ByteBuffer moves;
  private final CudaEvent[] read;
  private final KernelArguments arguments = new KernelArguments(3);
  private @Nullable BatchedCopies batched;
  private int next;

  /**
   * @param lists launches that may be under way before a call waits; each takes 64 KiB of device
   *     memory and of pinned memory
   */
  public TileMover(CudaDevice device, KernelModules kernels, int lists) {
    this.device = device;
    read = new CudaEvent[lists];
    kernel = kernels.function("tile_copy", "tilekv_copy_tiles");
    try {
      long bytes = (long) lists * MAX_MOVES * MOVE_BYTES;
      this.lists = opened.add(device.allocatePinned(bytes, "moves"));
      deviceLists = opened.add(device.allocate(bytes, "moves"));
      for (int i = 0; i < lists; i++) {
        read[i] = opened.add(device.createEvent(false));
      }
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
    moves = this.lists.buffer();
  }

  /**
   * Device to pinned host memory: {@code tileBytes}, a multiple of 16, from {@code pages[i]} to
   * {@code frames[i]} for each {@code i} below {@code count}; all are addresses.
   *
   * @param grid of a gathered copy
   */
  public void toHost(
      CudaStream stream,
      Path path,
      Grid grid,
      long[] pages,
      long[] frames,
      int count,
      int tileBytes) {
    switch (path) {
      case GATHERED -> gather(stream, grid, pages, frames, count, tileBytes);
      case BATCHED -> batched().copy(stream, pages, frames, count, tileBytes);
      case PER_TILE -> {
        for (int i = 0; i < count; i++) {
          stream.copyToHost(frames[i], pages[i], tileBytes);
        }
      }
    }
  }

  /** Pinned host memory to the device: as {@link #toHost}, the other way. */
  public void toDevice(
      CudaStream stream,
      Path path,
      Grid grid,
      long[] frames,
      long[] pages,
      int count,
      int tileBytes) {
    switch (path) {
      case GATHERED -> gather(stream, grid, frames, pages, count, tileBytes);
      case BATCHED -> batched().copy(stream, frames, pages, count, tileBytes);
      case PER_TILE -> {
        for (int i = 0; i < count; i++) {
          stream.copyToDevice(pages[i], frames[i], tileBytes);
        }
      }
    }
  }

  /** The ways that the driver knows. */
  static List<Path> paths() {
    return BatchedCopies.available()
        ? List.of(Path.values())
        : List.of(Path.PER_TILE, Path.GATHERED);
  }

  private BatchedCopies batched() {
    BatchedCopies made = batched;
    if (made == null) {
      made = opened.add(new BatchedCopies(device));
      batched = made;
    }
    return made;
  }

  private void gather(
      CudaStream stream, Grid grid, long[] from, long[] to, int count, int tileBytes) {
    if (tileBytes % 16 != 0) {
      throw new IllegalArgumentException(
          "a tile has " + tileBytes + " bytes; gathered copies take multiples of 16");
    }
    for (int first = 0; first < count; first += MAX_MOVES) {
      int list = fill(from, to, first, Math.min(MAX_MOVES, count - first));
      launch(stream, grid, list, Math.min(MAX_MOVES, count - first), tileBytes);
    }
  }

  private int fill(long[] from, long[] to, int first, int count) {
    int list = next;
    next = (next + 1) % read.length;
    read[list].synchronize();
    int at = list * MAX_MOVES * MOVE_BYTES;
    for (int i = 0; i < count; i++) {
      moves.putLong(at + i * MOVE_BYTES, from[first + i]);
      moves.putLong(at + i * MOVE_BYTES + Long.BYTES, to[first + i]);
    }
    return list;
  }

  private void launch(CudaStream stream, Grid grid, int list, int count, int tileBytes) {
    long at = (long) list * MAX_MOVES * MOVE_BYTES;
    long moved = deviceLists.address() + at;
    stream.copyToDevice(moved, lists.address() + at, (long) count * MOVE_BYTES);
    arguments.begin().address(moved).integer(count).address(tileBytes);
    kernel.launch(stream, grid.blocks(), 1, 1, grid.threads(), 0, arguments);
    stream.record(read[list]);
  }

  @Override
  public void close() {
    device.makeCurrent();
    opened.close();
  }
}
