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

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.tilekv.HostAllocator;
import sun.misc.Unsafe;

/**
 * Direct buffers, freed by hand; the garbage collector frees what was forgotten. They count against
 * MaxDirectMemorySize.
 */
public final class DirectAllocator implements HostAllocator {

  /** Any host memory. */
  public static final DirectAllocator DIRECT = new DirectAllocator();

  private static final Unsafe UNSAFE = unsafe();

  private final AtomicLong liveBytes = new AtomicLong();

  @Override
  public ByteBuffer allocate(int bytes) {
    ByteBuffer slab = ByteBuffer.allocateDirect(bytes);
    liveBytes.addAndGet(bytes);
    return slab;
  }

  // The only way to give direct memory back without waiting for a garbage collection on JDK 17.
  @Override
  public void free(ByteBuffer slab) {
    UNSAFE.invokeCleaner(slab);
    liveBytes.addAndGet(-slab.capacity());
  }

  /** Bytes allocated and not yet freed. */
  long liveBytes() {
    return liveBytes.get();
  }

  DirectAllocator() {}

  private static Unsafe unsafe() {
    try {
      Field field = Unsafe.class.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      return (Unsafe) field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }
}
