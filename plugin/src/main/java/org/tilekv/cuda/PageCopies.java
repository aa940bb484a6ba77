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
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.tilekv.OpenedResources;
import org.tilekv.TileMemory.Copy;

/**
 * Copies of whole pages between a device's pool and host memory, on streams of their own beside the
 * steps, ordered by events:
 *
 * <pre>
 *   a copy of a page that a step may still write     waits for the end of that step
 *   a step, or any write to a page, behind a copy    waits for the copies queued so far
 *   bytes that come in, and those of evicted pages   wait for the last use of pages given back so far
 * </pre>
 *
 * Pages that have just been evicted are in no step under way. Those that are free may be: slots are
 * still copied out of them, or the step under way writes a tile there that a row does not need any
 * more, since one of the same name has come in meanwhile. Bytes that came in are used only after
 * the call that brought them. Thread-safe.
 */
final class PageCopies implements AutoCloseable {

  private static final int LANES = 3;
  private static final int EVICTIONS_UNDER_WAY = 64;

  private final CudaDevice device;
  private final int tileBytes;
  private final PinnedPieces pieces;
  private final OpenedResources opened = new OpenedResources();
  private final CopyLane evictions;
  // Of loads and reads that wait for their copies, one each.
  private final Queue<CopyLane> lanes = new ConcurrentLinkedQueue<>();
  private final Semaphore idle = new Semaphore(LANES);
  private final AtomicInteger loading = new AtomicInteger();
  private final CudaEvent stepEnd;
  private final CudaEvent lastEviction;
  private final CudaEvent lastUse;
  // Guarded by evictions.
  private final Deque<CudaEvent> spare = new ArrayDeque<>();
  private volatile boolean evicted;

  /**
   * @param pool address of page 0
   */
  PageCopies(CudaDevice device, KernelModules kernels, long pool, int tileBytes) {
    this.device = device;
    this.tileBytes = tileBytes;
    try {
      pieces = opened.add(new PinnedPieces(device, "host tiles"));
      TileMover.Path path = FastestPath.of(device, kernels, tileBytes);
      evictions = opened.add(lane(kernels, pool, path, EVICTIONS_UNDER_WAY));
      for (int i = 0; i < LANES; i++) {
        lanes.add(opened.add(lane(kernels, pool, path, 1)));
      }
      stepEnd = opened.add(device.createEvent(false));
      lastEviction = opened.add(device.createEvent(false));
      lastUse = opened.add(device.createEvent(false));
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  private CopyLane lane(KernelModules kernels, long pool, TileMover.Path path, int launches) {
    return new CopyLane(device, kernels, pool, tileBytes, path, launches);
  }

  PinnedPieces pieces() {
    return pieces;
  }

  /** Marks the end of a step; on the thread of the steps, outside of a capture. */
  void stepQueued(CudaStream steps) {
    steps.record(stepEnd);
  }

  /** Marks the end of what is queued; before pages that it uses are given back. */
  void lettingGo(CudaStream steps) {
    steps.record(lastUse);
  }

  /** Lets what is queued on the stream from now on come behind evictions so far. */
  void orderBehindEvictions(CudaStream stream) {
    if (evicted) {
      stream.waitFor(lastEviction);
    }
  }

  /** Pages that are evicted; pinned {@code dst} is filled while the caller goes on. */
  Copy evict(int[] pages, ByteBuffer dst) {
    long bytes = (long) pages.length * tileBytes;
    device.makeCurrent();
    if (!pieces.holds(dst, bytes)) {
      copyOut(pages, dst);
      return Copy.DONE;
    }
    synchronized (evictions) {
      if (spare.isEmpty()) {
        spare.addLast(device.createEvent(false));
      }
      CudaEvent done = spare.getLast();
      evictions.queue(() -> evict(pages, Cuda.addressOf(dst) + dst.position(), done));
      spare.removeLast();
      dst.position(dst.position() + (int) bytes);
      return () -> await(done);
    }
  }

  private void evict(int[] pages, long address, CudaEvent done) {
    evictions.stream().waitFor(lastUse);
    evictions.toHost(pages, address, loading.get() > 0);
    evictions.stream().record(done);
    evictions.stream().record(lastEviction);
    evicted = true;
  }

  private void await(CudaEvent done) {
    device.makeCurrent();
    done.synchronize();
    synchronized (evictions) {
      spare.addLast(done);
    }
  }

  /** Pages that a step under way may write; waits for that step and the copy. */
  void copyOut(int[] pages, ByteBuffer dst) {
    long bytes = (long) pages.length * tileBytes;
    device.makeCurrent();
    CopyLane lane = takeLane();
    try {
      lane.stream().waitFor(stepEnd);
      if (pieces.holds(dst, bytes)) {
        lane.queue(() -> lane.toHost(pages, Cuda.addressOf(dst) + dst.position(), false));
        lane.stream().synchronize();
        dst.position(dst.position() + (int) bytes);
      } else {
        lane.toHostByBounce(pages, dst);
      }
    } finally {
      giveBack(lane);
    }
  }

  /** Pages that are nobody's, one list of them for each source; waits for the copies. */
  void copyIn(List<int[]> pages, List<ByteBuffer> sources) {
    device.makeCurrent();
    CopyLane lane = takeLane();
    loading.incrementAndGet();
    try {
      orderBehindEvictions(lane.stream());
      lane.stream().waitFor(lastUse);
      if (allPinned(pages, sources)) {
        lane.queue(() -> lane.toDevice(sources, pages));
        lane.stream().synchronize();
      } else {
        for (int i = 0; i < pages.size(); i++) {
          lane.toDeviceByBounce(sources.get(i), pages.get(i));
        }
      }
    } finally {
      loading.decrementAndGet();
      giveBack(lane);
    }
  }

  private boolean allPinned(List<int[]> pages, List<ByteBuffer> sources) {
    for (int i = 0; i < pages.size(); i++) {
      if (!pieces.holds(sources.get(i), (long) pages.get(i).length * tileBytes)) {
        return false;
      }
    }
    return true;
  }

  private CopyLane takeLane() {
    idle.acquireUninterruptibly();
    return lanes.remove();
  }

  private void giveBack(CopyLane lane) {
    lanes.add(lane);
    idle.release();
  }

  @Override
  public void close() {
    synchronized (evictions) {
      spare.forEach(CudaEvent::close);
      spare.clear();
    }
    opened.close();
  }
}
