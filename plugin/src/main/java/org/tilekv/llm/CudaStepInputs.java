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
import org.tilekv.attention.Segments;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.PinnedMemory;

/**
 * The numbers that one step's kernels read, packed into one buffer and sent with one copy: int32
 * arrays of tokens, their rows and positions, the tokens whose results are wanted, and the work
 * items of attention.
 *
 * <p>A layout has room for as many of each as it was asked for; unused places hold tokens of the
 * empty row and items without tokens, so that a captured graph may compute more than there is. Used
 * by one thread; what was sent must have arrived before the next {@link #fill}.
 */
final class CudaStepInputs implements AutoCloseable {

  private static final int ITEM_INTS = 4;

  private final PinnedMemory staging;
  private final DeviceMemory inputs;
  private final int itemTokens;
  private final int emptyRow;
  private int tokens;
  private int outputs;
  private int items;

  /**
   * @param itemTokens most tokens of a work item of attention
   * @param emptyRow page-table row without pages
   */
  CudaStepInputs(CudaDevice device, int maxTokens, int maxOutputs, int itemTokens, int emptyRow) {
    this.itemTokens = itemTokens;
    this.emptyRow = emptyRow;
    long ints = (3L + ITEM_INTS) * padded(maxTokens) + padded(maxOutputs);
    long bytes = Integer.BYTES * ints;
    staging = device.allocatePinned(bytes, "step inputs");
    inputs = device.allocate(bytes, "step inputs");
  }

  private static int padded(int count) {
    return (count + 3) / 4 * 4;
  }

  /** Items that a batch needs. */
  int itemsOf(StepBatch batch) {
    Segments segments = batch.segments();
    int count = 0;
    for (int s = 0; s < segments.size(); s++) {
      count += (segments.count(s) + itemTokens - 1) / itemTokens;
    }
    return count;
  }

  /** Lays out room for at least what the batch has, and writes it. */
  void fill(StepBatch batch, int tokenRoom, int outputRoom, int itemRoom) {
    tokens = padded(tokenRoom);
    outputs = padded(outputRoom);
    items = itemRoom;
    ByteBuffer to = staging.buffer();
    Segments segments = batch.segments();
    int token = 0;
    int output = 0;
    int item = 0;
    for (int s = 0; s < segments.size(); s++) {
      int row = segments.row(s);
      int start = segments.start(s);
      int count = segments.count(s);
      for (int i = 0; i < count; i++) {
        putToken(to, token + i, batch.tokens()[token + i], row, start + i);
      }
      // Items that run at the same time share K and V; short ones fill the end.
      for (int left = count; left > 0; ) {
        int tokensOfItem = (left - 1) % itemTokens + 1;
        left -= tokensOfItem;
        putItem(to, item++, row, start + left, token + left, tokensOfItem);
      }
      token += count;
      if (batch.want(s) != StepBatch.Want.NOTHING) {
        to.putInt(outputOffset() + Integer.BYTES * output++, token - 1);
      }
    }
    pad(to, token, output, item);
  }

  private void pad(ByteBuffer to, int token, int output, int item) {
    for (int i = token; i < tokens; i++) {
      putToken(to, i, 0, emptyRow, 0);
    }
    for (int i = output; i < outputs; i++) {
      to.putInt(outputOffset() + Integer.BYTES * i, 0);
    }
    for (int i = item; i < items; i++) {
      putItem(to, i, emptyRow, 0, 0, 0);
    }
  }

  private void putToken(ByteBuffer to, int at, int token, int row, int position) {
    to.putInt(Integer.BYTES * at, token);
    to.putInt(Integer.BYTES * (tokens + at), row);
    to.putInt(Integer.BYTES * (2 * tokens + at), position);
  }

  private void putItem(ByteBuffer to, int item, int row, int position, int token, int count) {
    int at = itemOffset() + ITEM_INTS * Integer.BYTES * item;
    to.putInt(at, row).putInt(at + 4, position).putInt(at + 8, token).putInt(at + 12, count);
  }

  private int outputOffset() {
    return Integer.BYTES * 3 * tokens;
  }

  private int itemOffset() {
    return Integer.BYTES * (3 * tokens + outputs);
  }

  /** Sends what was filled in. */
  void send(CudaStream stream) {
    long bytes = itemOffset() + (long) ITEM_INTS * Integer.BYTES * items;
    stream.copyToDevice(inputs.address(), staging.address(), bytes);
  }

  /** Addresses in device memory, in the layout of the last {@link #fill}. */
  long tokens() {
    return inputs.address();
  }

  long rows() {
    return inputs.address() + (long) Integer.BYTES * tokens;
  }

  long positions() {
    return inputs.address() + 2L * Integer.BYTES * tokens;
  }

  long outputTokens() {
    return inputs.address() + outputOffset();
  }

  long items() {
    return inputs.address() + itemOffset();
  }

  int itemCount() {
    return items;
  }

  @Override
  public void close() {
    staging.close();
    inputs.close();
  }
}
