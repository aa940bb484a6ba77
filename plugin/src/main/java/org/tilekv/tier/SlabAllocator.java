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

/**
 * Where the memory of a {@link HostTileCache} comes from: the JVM's direct memory by default,
 * pinned memory where a GPU copies from it.
 */
public interface SlabAllocator {

  /** Direct memory, given back at once on {@link #free}; counts against MaxDirectMemorySize. */
  SlabAllocator DIRECT = new DirectSlabAllocator();

  /**
   * Memory of {@code bytes} bytes, at most 1 GiB, whose content does not matter. Throws {@link
   * OutOfMemoryError} where there is not enough.
   */
  ByteBuffer allocate(int bytes);

  /** Takes back what {@link #allocate} gave; called once per slab, after its last use. */
  void free(ByteBuffer slab);
}
