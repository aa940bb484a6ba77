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
import java.util.ArrayList;
import java.util.List;
import org.tilekv.KvDtype;
import org.tilekv.attention.Bf16;
import org.tilekv.attention.Fp16;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.PinnedMemory;

/**
 * Brings tensors of a checkpoint to device memory, in the type that the model computes in; matrices
 * that share their input are put one below the other. Used by one thread.
 */
final class WeightUploader implements AutoCloseable {

  private static final String TAG = "weights";
  private static final int STAGED_ELEMENTS = 4 << 20;

  private final CudaDevice device;
  private final CudaStream stream;
  private final Checkpoint checkpoint;
  private final KvDtype dtype;
  private final PinnedMemory staging;
  private final float[] floats = new float[STAGED_ELEMENTS];
  private final List<DeviceMemory> uploaded = new ArrayList<>();

  WeightUploader(CudaDevice device, CudaStream stream, Checkpoint checkpoint, KvDtype dtype) {
    this.device = device;
    this.stream = stream;
    this.checkpoint = checkpoint;
    this.dtype = dtype;
    staging = device.allocatePinned((long) STAGED_ELEMENTS * dtype.bytes(), TAG);
  }

  /** All that was uploaded, for who closes it. */
  List<DeviceMemory> uploaded() {
    return uploaded;
  }

  boolean has(String name) {
    return checkpoint.has(name);
  }

  /** Address of a vector. */
  long vector(String name, int length) {
    return upload(List.of(checkpoint.tensor(name).requireShape(length)), length);
  }

  /** Address of a matrix {@code [rows, columns]}. */
  long matrix(String name, int rows, int columns) {
    Tensor tensor = checkpoint.tensor(name).requireShape(rows, columns);
    return upload(List.of(tensor), (long) rows * columns);
  }

  /** Address of the matrices, one below the other. */
  long stacked(int[] rows, int columns, String... names) {
    List<Tensor> tensors = new ArrayList<>();
    long elements = 0;
    for (int i = 0; i < names.length; i++) {
      tensors.add(checkpoint.tensor(names[i] + ".weight").requireShape(rows[i], columns));
      elements += (long) rows[i] * columns;
    }
    return upload(tensors, elements);
  }

  /** Address of the biases one after the other, 0 where the model has none. */
  long biases(boolean present, int[] lengths, String... names) {
    if (!present) {
      return 0;
    }
    List<Tensor> tensors = new ArrayList<>();
    long elements = 0;
    for (int i = 0; i < names.length; i++) {
      tensors.add(checkpoint.tensor(names[i] + ".bias").requireShape(lengths[i]));
      elements += lengths[i];
    }
    return upload(tensors, elements);
  }

  /** Address of float32 values, whatever the model computes in. */
  long floats(float[][] blocks, int elements) {
    DeviceMemory target = device.allocate((long) elements * Float.BYTES, TAG);
    uploaded.add(target);
    int at = 0;
    for (float[] block : blocks) {
      int step = STAGED_ELEMENTS * dtype.bytes() / Float.BYTES;
      for (int from = 0; from < block.length && at < elements; from += step) {
        int count = Math.min(Math.min(step, block.length - from), elements - at);
        staging.buffer().clear().asFloatBuffer().put(block, from, count);
        send(target.address() + (long) at * Float.BYTES, (long) count * Float.BYTES);
        at += count;
      }
    }
    return target.address();
  }

  private long upload(List<Tensor> tensors, long elements) {
    DeviceMemory target = device.allocate(elements * dtype.bytes(), TAG);
    uploaded.add(target);
    long at = target.address();
    for (Tensor tensor : tensors) {
      long length = tensor.elements();
      for (long first = 0; first < length; first += STAGED_ELEMENTS) {
        int count = (int) Math.min(STAGED_ELEMENTS, length - first);
        stage(tensor, first, count);
        send(at, (long) count * dtype.bytes());
        at += (long) count * dtype.bytes();
      }
    }
    return target.address();
  }

  private void stage(Tensor tensor, long first, int count) {
    tensor.readFloats(first, floats, 0, count);
    ByteBuffer buffer = staging.buffer().clear();
    switch (dtype) {
      case FLOAT32 -> buffer.asFloatBuffer().put(floats, 0, count);
      case BFLOAT16 -> {
        for (int i = 0; i < count; i++) {
          buffer.putShort(2 * i, Bf16.fromFloat(floats[i]));
        }
      }
      case FLOAT16 -> {
        for (int i = 0; i < count; i++) {
          buffer.putShort(2 * i, Fp16.fromFloat(floats[i]));
        }
      }
      case INT8 -> throw new IllegalArgumentException("weights cannot be INT8");
    }
  }

  private void send(long target, long bytes) {
    stream.copyToDevice(target, staging.address(), bytes);
    stream.synchronize();
  }

  /** Frees what was uploaded, where loading failed. */
  void discard() {
    uploaded.forEach(DeviceMemory::close);
  }

  @Override
  public void close() {
    staging.close();
  }
}
