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

import java.nio.ByteBuffer;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaEvent;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.PinnedMemory;

/**
 * (index, page) pairs of int32 in pinned memory, which a kernel reads in place. Filled again only
 * after that kernel. Used by one thread.
 */
final class StagedPairs implements AutoCloseable {

  static final int PAIR_BYTES = 2 * Integer.BYTES;

  private static final int MAX_PAIRS = 1 << 16;

  private final PinnedMemory memory;
  private final ByteBuffer pairs;
  private final CudaEvent read;
  private int size;

  StagedPairs(CudaDevice device) {
    memory = device.allocatePinned((long) MAX_PAIRS * PAIR_BYTES, "page table");
    pairs = memory.buffer();
    try {
      read = device.createEvent(false);
    } catch (Throwable failure) {
      memory.close();
      throw failure;
    }
  }

  boolean isFull() {
    return size == MAX_PAIRS;
  }

  int size() {
    return size;
  }

  long address() {
    return memory.address();
  }

  /** Adds a pair; the first one waits for the kernel that reads what was here before. */
  void add(int index, int page) {
    if (size == 0) {
      read.synchronize();
    }
    int at = size++ * PAIR_BYTES;
    pairs.putInt(at, index).putInt(at + Integer.BYTES, page);
  }

  /** The kernel that reads the pairs is on the stream. */
  void sent(CudaStream stream) {
    stream.record(read);
    size = 0;
  }

  @Override
  public void close() {
    try (PinnedMemory last = memory;
        CudaEvent event = read) {
      event.synchronize();
    }
  }
}
