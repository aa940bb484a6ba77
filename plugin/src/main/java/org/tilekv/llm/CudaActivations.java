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

import java.util.ArrayList;
import java.util.List;
import org.tilekv.KvDtype;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.DeviceMemory;

/**
 * Device memory for the activations of the largest step, allocated once; the fields are addresses.
 * What is not used at the same time shares memory.
 */
final class CudaActivations implements AutoCloseable {

  private static final String TAG = "activations";

  private final CudaDevice device;
  private final List<DeviceMemory> memory = new ArrayList<>();

  /** Residual stream, float32 {@code [tokens, hidden]}. */
  final long stream;

  /** Normed input of a projection {@code [tokens, hidden]}. */
  final long normed;

  /** Q, K and V as projected: float32 {@code [tokens, (queryHeads + 2 kvHeads) * headDim]}. */
  final long qkv;

  /** Rotated Q {@code [tokens, queryHeads * headDim]}. */
  final long queries;

  /** Attention output {@code [tokens, queryHeads * headDim]}. */
  final long attended;

  /** Gate and up {@code [tokens, 2 * intermediate]}. */
  final long gateUp;

  /** Activated MLP input {@code [tokens, intermediate]}. */
  final long activated;

  /** Output of attention or MLP, added to the stream next: float32 {@code [tokens, hidden]}. */
  final long projected;

  /** Normed rows whose logits are wanted {@code [outputs, hidden]}. */
  final long last;

  /** Float32 logits {@code [outputs, vocab]}. */
  final long logits;

  /** Int32 tokens chosen {@code [outputs]}. */
  final long chosen;

  CudaActivations(
      CudaDevice device, ModelConfig config, KvDtype dtype, int maxTokens, int maxOutputs) {
    this.device = device;
    long tokens = (long) maxTokens * dtype.bytes();
    long outputs = maxOutputs;
    int heads = config.queryHeads() + 2 * config.kvHeads();
    try {
      stream = allocate((long) maxTokens * Float.BYTES * config.hiddenSize());
      normed = allocate(tokens * config.hiddenSize());
      qkv = allocate((long) maxTokens * Float.BYTES * heads * config.headDim());
      queries = allocate(tokens * config.queryHeads() * config.headDim());
      attended = allocate(tokens * config.queryHeads() * config.headDim());
      gateUp = allocate(tokens * 2 * config.intermediateSize());
      activated = allocate(tokens * config.intermediateSize());
      projected = allocate((long) maxTokens * Float.BYTES * config.hiddenSize());
      last = allocate(outputs * dtype.bytes() * config.hiddenSize());
      logits = allocate(outputs * Float.BYTES * config.vocabSize());
      chosen = allocate(outputs * Integer.BYTES);
    } catch (Throwable failure) {
      close();
      throw failure;
    }
  }

  /** Bytes that all of them take together. */
  static long bytes(ModelConfig config, KvDtype dtype, int maxTokens, int maxOutputs) {
    long perToken =
        config.hiddenSize()
            + 2L * config.queryHeads() * config.headDim()
            + 3L * config.intermediateSize();
    long perOutput =
        (long) dtype.bytes() * config.hiddenSize()
            + (long) Float.BYTES * config.vocabSize()
            + Integer.BYTES;
    long heads = config.queryHeads() + 2L * config.kvHeads();
    long sums = Float.BYTES * (2L * config.hiddenSize() + heads * config.headDim());
    return maxTokens * (perToken * dtype.bytes() + sums) + maxOutputs * perOutput;
  }

  private long allocate(long bytes) {
    DeviceMemory part = device.allocate(bytes, TAG);
    memory.add(part);
    return part.address();
  }

  @Override
  public void close() {
    memory.forEach(DeviceMemory::close);
    memory.clear();
  }
}
