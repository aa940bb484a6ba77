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
import org.tilekv.HostAllocator;

/**
 * Where the memory of a {@link HostTileCache} comes from: the JVM's direct memory by default,
 * pinned memory where a GPU copies from it.
 */
public interface SlabAllocator extends HostAllocator {

  /** Direct memory, given back at once on {@link #free}; counts against MaxDirectMemorySize. */
  SlabAllocator DIRECT = new DirectSlabAllocator();

  /** Memory of another kind. */
  static SlabAllocator of(HostAllocator memory) {
    return new SlabAllocator() {
      @Override
      public ByteBuffer allocate(int bytes) {
        return memory.allocate(bytes);
      }

      @Override
      public void free(ByteBuffer slab) {
        memory.free(slab);
      }
    };
  }
}
