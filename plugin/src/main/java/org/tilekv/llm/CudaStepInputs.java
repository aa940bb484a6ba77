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
import java.util.List;
import org.tilekv.attention.DecodePlan;
import org.tilekv.attention.Segments;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.PinnedMemory;

/**
 * The numbers that one step's kernels read, packed into one buffer and sent with one copy: int32
 * arrays of tokens, their rows and positions, the tokens whose results are wanted, the work items
 * of attention, and the plans of its decode rows. Steps that draw tokens also hold how, per output.
 * Decode rows are the leading segments of one token; the items are those of the others.
 *
 * <p>A layout has room for as many of each as it was asked for; unused places hold tokens of the
 * empty row and items without tokens, so that a captured graph may compute more than there is. Used
 * by one thread; what was sent must have arrived before the next {@link #fill}.
 */
final class CudaStepInputs implements AutoCloseable {

  private static final int ITEM_INTS = 4;
  private static final int NO_SEGMENT = Integer.MAX_VALUE;

  private final PinnedMemory staging;
  private final DeviceMemory inputs;
  private final int itemTokens;
  private final int emptyRow;
  private final List<DecodePlan> plans;
  private final int maxRows;
  private int tokens;
  private int outputs;
  private int drawn;
  private int items;
  private int decodeRows;

  /**
   * @param itemTokens most tokens of a work item of attention
   * @param emptyRow page-table row without pages
   * @param plans of decode rows, one per sliding window; empty where all tokens are items
   */
  CudaStepInputs(
      CudaDevice device,
      int maxTokens,
      int maxOutputs,
      int itemTokens,
      int emptyRow,
      List<DecodePlan> plans) {
    this.itemTokens = itemTokens;
    this.emptyRow = emptyRow;
    this.plans = List.copyOf(plans);
    maxRows = maxOutputs;
    long ints = (3L + ITEM_INTS) * padded(maxTokens) + padded(maxOutputs);
    ints += (long) StepSampling.BYTES / Integer.BYTES * padded(maxOutputs);
    long bytes = Integer.BYTES * ints + plans.stream().mapToLong(p -> p.bytes(maxRows)).sum();
    staging = device.allocatePinned(bytes, "step inputs");
    inputs = device.allocate(bytes, "step inputs");
  }

  private static int padded(int count) {
    return (count + 3) / 4 * 4;
  }

  /** Leading segments of one token, as far as there are plans for them. */
  private int decodeRowsOf(Segments segments) {
    int most = plans.isEmpty() ? 0 : Math.min(maxRows, segments.size());
    int count = 0;
    while (count < most && segments.count(count) == 1) {
      count++;
    }
    return count;
  }

  private int itemsOf(Segments segments, int firstSegment) {
    int count = 0;
    for (int s = firstSegment; s < segments.size(); s++) {
      count += (segments.count(s) + itemTokens - 1) / itemTokens;
    }
    return count;
  }

  /** Lays out a step as large as the batch, and writes it. */
  void fill(StepBatch batch) {
    Segments segments = batch.segments();
    decodeRows = decodeRowsOf(segments);
    items = itemsOf(segments, decodeRows);
    fill(batch, segments.tokens(), batch.logitRows() + batch.tokenRows(), decodeRows);
  }

  /**
   * Lays out a step of {@code room} decode rows, of which the batch has the first, and writes it.
   */
  void fillDecode(StepBatch batch, int room) {
    decodeRows = plans.isEmpty() ? 0 : room;
    items = plans.isEmpty() ? room : 0;
    fill(batch, room, room, plans.isEmpty() ? 0 : batch.size());
  }

  private void fill(StepBatch batch, int tokenRoom, int outputRoom, int planned) {
    tokens = padded(tokenRoom);
    outputs = padded(outputRoom);
    drawn = batch.sampling().rows() > 0 ? outputs : 0;
    ByteBuffer to = staging.buffer();
    Segments segments = batch.segments();
    int token = 0;
    int output = 0;
    int item = 0;
    for (int s = 0; s < segments.size(); s++) {
      int count = segments.count(s);
      for (int i = 0; i < count; i++) {
        putToken(to, token + i, batch.tokens()[token + i], segments.row(s), segments.start(s) + i);
      }
      if (s >= planned) {
        item = putItems(to, segments, s, item);
      }
      token += count;
      if (batch.want(s) != StepBatch.Want.NOTHING) {
        putOutput(to, output++, token - 1, batch.sampling(), s);
      }
    }
    pad(to, batch, token, output, item);
    int at = planOffset();
    for (DecodePlan plan : plans) {
      plan.write(segments, planned, decodeRows, to, at);
      at += plan.bytes(decodeRows);
    }
  }

  /** Items that run at the same time share K and V; short ones fill the end. */
  private int putItems(ByteBuffer to, Segments segments, int segment, int firstItem) {
    int item = firstItem;
    for (int left = segments.count(segment); left > 0; ) {
      int count = (left - 1) % itemTokens + 1;
      left -= count;
      int start = segments.start(segment) + left;
      putItem(to, item++, segments.row(segment), start, segments.offset(segment) + left, count);
    }
    return item;
  }

  private void pad(ByteBuffer to, StepBatch batch, int token, int output, int item) {
    for (int i = token; i < tokens; i++) {
      putToken(to, i, 0, emptyRow, 0);
    }
    for (int i = output; i < outputs; i++) {
      putOutput(to, i, 0, batch.sampling(), NO_SEGMENT);
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

  /** Puts a token whose result is wanted, and how it is drawn in a step that draws. */
  private void putOutput(ByteBuffer to, int output, int token, StepSampling sampling, int segment) {
    to.putInt(outputOffset() + Integer.BYTES * output, token);
    int at = samplingOffset() + StepSampling.BYTES * output;
    if (drawn > 0) {
      sampling.put(segment, to, at);
    }
  }

  private int outputOffset() {
    return Integer.BYTES * 3 * tokens;
  }

  private int samplingOffset() {
    return Integer.BYTES * (3 * tokens + outputs);
  }

  private int itemOffset() {
    return samplingOffset() + StepSampling.BYTES * drawn;
  }

  private int planOffset() {
    return itemOffset() + ITEM_INTS * Integer.BYTES * items;
  }

  /** Sends what was filled in. */
  void send(CudaStream stream) {
    long bytes = planOffset() + plans.stream().mapToLong(p -> p.bytes(decodeRows)).sum();
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

  /** How the outputs are drawn; only in a step that {@link #draws}. */
  long sampling() {
    return inputs.address() + samplingOffset();
  }

  /** Whether tokens of the step are drawn. */
  boolean draws() {
    return drawn > 0;
  }

  long items() {
    return inputs.address() + itemOffset();
  }

  int itemCount() {
    return items;
  }

  /** Decode rows of the last {@link #fill}, padding included. */
  int decodeRows() {
    return decodeRows;
  }

  /** The plan of the decode rows for layers of a window. */
  DecodePlan plan(int window) {
    for (DecodePlan plan : plans) {
      if (plan.window() == window) {
        return plan;
      }
    }
    throw new IllegalArgumentException("there is no plan for a window of " + window);
  }

  /** Whether decode rows read prefixes together. */
  boolean sharing() {
    return plans.stream().anyMatch(DecodePlan::sharing);
  }

  /** Address of the whole buffer, that plans count from. */
  long address() {
    return inputs.address();
  }

  @Override
  public void close() {
    staging.close();
    inputs.close();
  }
}
