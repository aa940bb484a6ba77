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

import java.nio.FloatBuffer;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.PinnedMemory;

/** Brings a step's chosen tokens, and logits where wanted, to host memory. Used by one thread. */
final class CudaResults implements AutoCloseable {

  private static final int MAX_STAGED_ROWS = 16;

  private final CudaStream stream;
  private final CudaActivations activations;
  private final int vocab;
  private final PinnedMemory chosen;
  private final PinnedMemory staging;
  private final int stagedRows;

  CudaResults(
      CudaDevice device, CudaStream stream, CudaActivations activations, int vocab, int maxRows) {
    this.stream = stream;
    this.activations = activations;
    this.vocab = vocab;
    stagedRows = Math.min(MAX_STAGED_ROWS, maxRows);
    chosen = device.allocatePinned((long) maxRows * Integer.BYTES, "results");
    try {
      staging = device.allocatePinned((long) stagedRows * vocab * Float.BYTES, "results");
    } catch (Throwable failure) {
      chosen.close();
      throw failure;
    }
  }

  /** Starts the copy of the chosen tokens, in the order of the stream. */
  void fetchTokens(int outputs) {
    if (outputs > 0) {
      stream.copyToHost(chosen.address(), activations.chosen, (long) outputs * Integer.BYTES);
    }
  }

  /** Waits for the step and hands out what each segment wants, in the order of the segments. */
  void read(StepBatch batch, int outputs, float[] logits, int[] tokens) {
    stream.synchronize();
    int output = 0;
    int token = 0;
    int row = 0;
    for (int s = 0; s < batch.size(); s++) {
      switch (batch.want(s)) {
        case TOKEN -> tokens[token++] = chosen.buffer().getInt(Integer.BYTES * output++);
        case LOGITS -> {
          int run = logitRun(batch, s);
          readLogits(output, run, logits, row);
          output += run;
          row += run;
          s += run - 1;
        }
        case NOTHING -> {}
      }
    }
  }

  /** Segments from s on that want logits, one directly after the other, as many as are staged. */
  private int logitRun(StepBatch batch, int s) {
    int run = 1;
    while (run < stagedRows
        && s + run < batch.size()
        && batch.want(s + run) == StepBatch.Want.LOGITS) {
      run++;
    }
    return run;
  }

  private void readLogits(int output, int rows, float[] logits, int row) {
    long rowBytes = (long) vocab * Float.BYTES;
    stream.copyToHost(staging.address(), activations.logits + output * rowBytes, rows * rowBytes);
    stream.synchronize();
    FloatBuffer floats = staging.buffer().clear().asFloatBuffer();
    floats.get(logits, row * vocab, rows * vocab);
  }

  @Override
  public void close() {
    chosen.close();
    staging.close();
  }
}
