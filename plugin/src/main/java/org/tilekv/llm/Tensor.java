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
package org.tilekv.llm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import org.tilekv.attention.Bf16;
import org.tilekv.attention.Fp16;

/**
 * One tensor of an open {@link Checkpoint}: row-major elements, read from the mapped file.
 * Thread-safe. After the checkpoint was closed every read throws {@link IllegalStateException}.
 */
public final class Tensor {

  private final String name;
  private final WeightDtype dtype;
  private final int[] shape;
  private final TensorBytes bytes;
  // Where the first element is among the stored ones, and the stored elements from row to row.
  private final long base;
  private final int rowStride;

  Tensor(String name, WeightDtype dtype, int[] shape, TensorBytes bytes) {
    this(name, dtype, shape, bytes, 0, columns(shape));
  }

  private Tensor(
      String name, WeightDtype dtype, int[] shape, TensorBytes bytes, long base, int rowStride) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.bytes = bytes;
    this.base = base;
    this.rowStride = rowStride;
  }

  /** Rows {@code [firstRow, firstRow + rows)} and likewise columns of a matrix; copies nothing. */
  Tensor part(int firstRow, int rows, int firstColumn, int columns) {
    Objects.checkFromIndexSize(firstRow, rows, shape[0]);
    Objects.checkFromIndexSize(firstColumn, columns, columns());
    long first = base + (long) firstRow * rowStride + firstColumn;
    return new Tensor(name, dtype, new int[] {rows, columns}, bytes, first, rowStride);
  }

  /** Elements {@code [first, first + count)} of a vector; copies nothing. */
  Tensor part(int first, int count) {
    Objects.checkFromIndexSize(first, count, shape[0]);
    return new Tensor(name, dtype, new int[] {count}, bytes, base + first, count);
  }

  public String name() {
    return name;
  }

  public WeightDtype dtype() {
    return dtype;
  }

  /** Extents, outermost first; empty for a scalar. */
  public int[] shape() {
    return shape.clone();
  }

  /** Elements in all. */
  public long elements() {
    long elements = 1;
    for (int extent : shape) {
      elements *= extent;
    }
    return elements;
  }

  /** Elements of a row: the last extent, 1 for a scalar. */
  public int columns() {
    return columns(shape);
  }

  private static int columns(int[] shape) {
    return shape.length == 0 ? 1 : shape[shape.length - 1];
  }

  /** Place of an element among the stored ones. */
  private long stored(long element) {
    int columns = columns();
    return rowStride == columns
        ? base + element
        : base + element / columns * rowStride + element % columns;
  }

  /** Elements from this one on, at most so many, that are stored one behind the other. */
  private int run(long element, int most) {
    int columns = columns();
    return rowStride == columns ? most : (int) Math.min(most, columns - element % columns);
  }

  /**
   * Refuses a tensor of another shape.
   *
   * @throws InvalidModelException naming the tensor, its shape and the expected one
   */
  public Tensor requireShape(int... expected) {
    if (!Arrays.equals(shape, expected)) {
      throw new InvalidModelException(
          "tensor "
              + name
              + " has shape "
              + Arrays.toString(shape)
              + "; the configuration asks for "
              + Arrays.toString(expected));
    }
    return this;
  }

  /** All elements, widened to float32. For tensors of at most 2^31 - 9 elements. */
  public float[] toFloats() {
    if (elements() > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "tensor " + name + " has " + elements() + " elements; read it in parts");
    }
    float[] values = new float[(int) elements()];
    readFloats(0, values, 0, values.length);
    return values;
  }

  /** Widens one row of {@link #columns} elements into {@code target}; allocates nothing. */
  public void readRowAsFloats(long row, float[] target, int offset) {
    readFloats(row * columns(), target, offset, columns());
  }

  /** Widens elements {@code [first, first + count)} into {@code target}; allocates nothing. */
  public void readFloats(long first, float[] target, int offset, int count) {
    checkRange(first, count);
    for (int done = 0; done < count; ) {
      int run = run(first + done, count - done);
      readRun(stored(first + done), target, offset + done, run);
      done += run;
    }
  }

  private void readRun(long first, float[] target, int offset, int count) {
    long end = (first + count) * dtype.bytes();
    int to = offset;
    for (long at = first * dtype.bytes(); at < end; ) {
      int run = TensorBytes.run(at, end);
      widen(bytes.piece(at), TensorBytes.index(at), run / dtype.bytes(), target, to);
      to += run / dtype.bytes();
      at += run;
    }
  }

  /**
   * Copies the bits of elements {@code [first, first + count)}.
   *
   * @throws IllegalStateException for a dtype other than BF16 and F16
   */
  public void readShorts(long first, short[] target, int offset, int count) {
    if (dtype.bytes() != Short.BYTES) {
      throw new IllegalStateException(
          "tensor " + name + " is " + dtype + "; only BF16 and F16 have 16 bits");
    }
    checkRange(first, count);
    for (int done = 0; done < count; ) {
      int run = run(first + done, count - done);
      copyRun(stored(first + done), target, offset + done, run);
      done += run;
    }
  }

  private void copyRun(long first, short[] target, int offset, int count) {
    long end = (first + count) * Short.BYTES;
    int to = offset;
    for (long at = first * Short.BYTES; at < end; ) {
      int run = TensorBytes.run(at, end);
      ByteBuffer part = bytes.piece(at).slice(TensorBytes.index(at), run);
      part.order(ByteOrder.LITTLE_ENDIAN).asShortBuffer().get(target, to, run / Short.BYTES);
      to += run / Short.BYTES;
      at += run;
    }
  }

  private void widen(ByteBuffer piece, int at, int count, float[] target, int offset) {
    switch (dtype) {
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          target[offset + i] = Bf16.toFloat(piece.getShort(at + i * Short.BYTES));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          target[offset + i] = Fp16.toFloat(piece.getShort(at + i * Short.BYTES));
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          target[offset + i] = Float.intBitsToFloat(piece.getInt(at + i * Float.BYTES));
        }
      }
    }
  }

  private void checkRange(long first, int count) {
    if (first < 0 || count < 0 || first + count > elements()) {
      throw new IndexOutOfBoundsException(
          "elements "
              + first
              + " to "
              + (first + count)
              + " of tensor "
              + name
              + ", which has "
              + elements());
    }
  }
}
