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
package org.tilekv.tier;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.tilekv.HostAllocator;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;

/**
 * The bytes of the host tier: frames of one tile each, in slabs of at most 1 GiB. Copies whole
 * tiles in and out; who may touch a frame is decided by {@link FrameTable}. Copies make no garbage.
 */
final class HostSlabs {
  private static final int SLAB_BYTES = 256 << 20;

  private final TileGeometry geometry;
  private final HostAllocator allocator;
  private final int tileBytes;
  private final int framesPerSlab;
  private final int frames;
  private Slab[] slabs;
  private @Nullable TileCodec codec;

  HostSlabs(TileGeometry geometry, int frames, HostAllocator allocator) {
    this.geometry = geometry;
    this.allocator = allocator;
    this.tileBytes = geometry.tileBytes();
    this.framesPerSlab = Math.max(1, SLAB_BYTES / tileBytes);
    this.frames = frames;
    this.slabs = new Slab[(frames + framesPerSlab - 1) / framesPerSlab];
    for (int i = 0; i < slabs.length; i++) {
      allocate(i);
    }
  }

  private void allocate(int i) {
    int count = Math.min(framesPerSlab, frames - i * framesPerSlab);
    try {
      slabs[i] = Slab.of(allocator.allocate(count * tileBytes));
    } catch (Throwable e) {
      free(i);
      throw e;
    }
  }

  /** Bytes held; 0 after {@link #close}. */
  long allocatedBytes() {
    return slabs.length == 0 ? 0 : (long) frames * tileBytes;
  }

  /**
   * Copies a tile in from a byte[], short[], float[] or ByteBuffer. False where floats cannot be
   * represented in the dtype; the frame's content is then undefined.
   */
  boolean write(int frame, Object src, int offset) {
    Slab slab = slabs[frame / framesPerSlab];
    int base = base(frame);
    if (src instanceof byte[] bytes) {
      slab.bytes().put(base, bytes, offset, tileBytes);
    } else if (src instanceof ByteBuffer buffer) {
      slab.bytes().put(base, buffer, offset, tileBytes);
    } else if (src instanceof short[] shorts) {
      slab.shorts().put(base / Short.BYTES, shorts, offset, geometry.tileElements());
    } else if (geometry.dtype() == KvDtype.FLOAT32) {
      slab.floats().put(base / Float.BYTES, (float[]) src, offset, geometry.tileElements());
    } else {
      return codec().encode((float[]) src, offset, slab, base);
    }
    return true;
  }

  /** Copies a tile out to a byte[], short[], float[] or ByteBuffer. */
  void read(int frame, Object dst, int offset) {
    Slab slab = slabs[frame / framesPerSlab];
    int base = base(frame);
    if (dst instanceof byte[] bytes) {
      slab.bytes().get(base, bytes, offset, tileBytes);
    } else if (dst instanceof ByteBuffer buffer) {
      buffer.put(offset, slab.bytes(), base, tileBytes);
    } else if (dst instanceof short[] shorts) {
      slab.shorts().get(base / Short.BYTES, shorts, offset, geometry.tileElements());
    } else if (geometry.dtype() == KvDtype.FLOAT32) {
      slab.floats().get(base / Float.BYTES, (float[]) dst, offset, geometry.tileElements());
    } else {
      codec().decode(slab, base, (float[]) dst, offset);
    }
  }

  /** A frame's memory as a buffer of its own, for I/O. */
  ByteBuffer slice(int frame) {
    return slabs[frame / framesPerSlab].bytes().slice(base(frame), tileBytes);
  }

  /** Gives all memory back. No frame may be in use. */
  void close() {
    free(slabs.length);
  }

  private void free(int count) {
    Slab[] old = slabs;
    slabs = new Slab[0];
    for (int i = 0; i < count; i++) {
      allocator.free(old[i].memory());
    }
  }

  private int base(int frame) {
    return frame % framesPerSlab * tileBytes;
  }

  // Made on first use, so that raw copies work without the vector module. Codecs have no state that
  // two of them could disagree on: a race makes one too many.
  private TileCodec codec() {
    TileCodec made = codec;
    if (made == null) {
      made = TileCodec.of(geometry);
      codec = made;
    }
    return made;
  }
}
