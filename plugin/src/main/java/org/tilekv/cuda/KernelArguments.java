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
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Arguments of a kernel, in memory that the driver reads: made once, changed and launched many
 * times.
 *
 * <p>One slot per argument, and in front of the slots the table of their addresses that a launch
 * takes. The driver copies the values during the launch, so the block may be changed as soon as it
 * returns. Not thread-safe: one per thread or launch.
 */
public final class KernelArguments {
  private static final int SLOT_BYTES = Long.BYTES;

  private final int[] sizes;
  private final int[] slots;
  private final ByteBuffer block;
  private final long address;
  private int next;

  /** For a kernel of {@code count} parameters of at most 8 bytes each; their values begin as 0. */
  public KernelArguments(int count) {
    this(eightBytesEach(count));
  }

  private KernelArguments(int[] sizes) {
    this.sizes = sizes;
    slots = new int[sizes.length];
    int end = sizes.length * SLOT_BYTES;
    for (int i = 0; i < sizes.length; i++) {
      slots[i] = end;
      end += (sizes[i] + SLOT_BYTES - 1) / SLOT_BYTES * SLOT_BYTES;
    }
    block = ByteBuffer.allocateDirect(Math.max(SLOT_BYTES, end)).order(ByteOrder.nativeOrder());
    address = Cuda.addressOf(block);
    for (int i = 0; i < slots.length; i++) {
      block.putLong(i * SLOT_BYTES, address + slots[i]);
    }
  }

  /** For a kernel whose parameters have those sizes, structs by value among them. */
  public static KernelArguments ofSizes(int... bytes) {
    return new KernelArguments(bytes.clone());
  }

  private static int[] eightBytesEach(int count) {
    int[] sizes = new int[count];
    Arrays.fill(sizes, SLOT_BYTES);
    return sizes;
  }

  /** A 64-bit integer or an address. */
  public KernelArguments setLong(int index, long value) {
    block.putLong(slot(index), value);
    return this;
  }

  public KernelArguments setInt(int index, int value) {
    block.putInt(slot(index), value);
    return this;
  }

  public KernelArguments setFloat(int index, float value) {
    block.putFloat(slot(index), value);
    return this;
  }

  /** A struct by value: as many bytes as the parameter has; the buffer's position stays. */
  public KernelArguments setStruct(int index, ByteBuffer bytes) {
    int at = slot(index);
    if (bytes.remaining() != sizes[index]) {
      throw new IllegalArgumentException(
          "argument " + index + " has " + sizes[index] + " bytes, not " + bytes.remaining());
    }
    block.put(at, bytes, bytes.position(), bytes.remaining());
    return this;
  }

  /** Begins again at the first parameter; those not set keep their values. */
  public KernelArguments begin() {
    next = 0;
    return this;
  }

  /** Sets the next parameter to an address, or another 64-bit number. */
  public KernelArguments address(long value) {
    return setLong(next++, value);
  }

  /** Sets the next parameter to a 32-bit integer. */
  public KernelArguments integer(int value) {
    return setInt(next++, value);
  }

  /** Sets the next parameter to a 32-bit float. */
  public KernelArguments number(float value) {
    return setFloat(next++, value);
  }

  /** Sets the next parameter to a struct by value. */
  public KernelArguments struct(ByteBuffer bytes) {
    return setStruct(next++, bytes);
  }

  /** Number of parameters. */
  public int count() {
    return slots.length;
  }

  /** Address of the table of addresses. */
  long address() {
    return address;
  }

  private int slot(int index) {
    if (index < 0 || index >= slots.length) {
      throw new IndexOutOfBoundsException("argument " + index + " of " + slots.length);
    }
    return slots[index];
  }
}
