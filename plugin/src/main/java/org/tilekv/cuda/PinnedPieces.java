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
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.tilekv.HostAllocator;

/**
 * Pinned host memory in pieces that their users know as buffers. Whether a buffer lies in one of
 * them decides whether a device can copy it by itself. Thread-safe.
 */
final class PinnedPieces implements HostAllocator, AutoCloseable {

  private final CudaDevice device;
  private final String tag;
  private final ConcurrentSkipListMap<Long, PinnedMemory> pieces = new ConcurrentSkipListMap<>();

  PinnedPieces(CudaDevice device, String tag) {
    this.device = device;
    this.tag = tag;
  }

  @Override
  public ByteBuffer allocate(int bytes) {
    device.makeCurrent();
    PinnedMemory piece;
    try {
      piece = device.allocatePinned(bytes, tag);
    } catch (CudaOutOfMemoryException e) {
      OutOfMemoryError error = new OutOfMemoryError(e.getMessage());
      error.initCause(e);
      throw error;
    }
    pieces.put(piece.address(), piece);
    return piece.buffer();
  }

  @Override
  public void free(ByteBuffer memory) {
    PinnedMemory piece = pieces.remove(Cuda.addressOf(memory));
    if (piece == null) {
      throw new IllegalArgumentException("the buffer is no piece of pinned memory: " + memory);
    }
    device.makeCurrent();
    piece.close();
  }

  /** Whether those bytes from the buffer's position on are pinned. */
  boolean holds(ByteBuffer buffer, long bytes) {
    if (!buffer.isDirect()) {
      return false;
    }
    long from = Cuda.addressOf(buffer) + buffer.position();
    Map.@Nullable Entry<Long, PinnedMemory> piece = pieces.floorEntry(from);
    return piece != null && from + bytes <= piece.getKey() + piece.getValue().bytes();
  }

  /** Gives back what its users have left. */
  @Override
  public void close() {
    pieces.values().forEach(PinnedMemory::close);
    pieces.clear();
  }
}
