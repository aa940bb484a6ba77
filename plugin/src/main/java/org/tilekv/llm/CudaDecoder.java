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

import org.jspecify.annotations.Nullable;
import org.tilekv.KvDtype;
import org.tilekv.OpenedResources;
import org.tilekv.attention.CudaKvMemory;
import org.tilekv.attention.CudaPagedAttention;
import org.tilekv.cuda.Cublas;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.KernelModules;

/**
 * Forward pass of the Llama family on a CUDA device. Weights, activations and tiles have one type,
 * the tiles' own; sums are float32.
 *
 * <p>Steps in which every segment is one token replay a captured graph; others launch kernel by
 * kernel. A step ends when its results are in host memory. Used by one thread at a time. Results
 * are the same in every run of the same steps; matrix products may round differently at another
 * batch size.
 */
public final class CudaDecoder implements TokenDecoder {

  /**
   * JVM property that, where it is false, lets tokens be drawn on the host; see
   * docs/decisions/drawing-tokens-on-the-gpu.md.
   */
  public static final String DRAW_PROPERTY = "tilekv.cuda.drawTokens";

  private final ModelConfig config;
  private final CudaDevice device;
  private final CudaStream stream;
  private final CudaKvMemory memory;
  private final OpenedResources opened = new OpenedResources();
  private final CudaWeights weights;
  private final CudaActivations activations;
  private final CudaStepInputs inputs;
  private final CudaForward forward;
  private final DecodeGraphs graphs;
  private final CudaResults results;
  private final StepTimes times;
  private final int maxTokens;
  private final int maxRows;
  private @Nullable StepBatch started;

  private CudaDecoder(
      Checkpoint checkpoint,
      ModelConfig config,
      CudaDevice device,
      CudaStream stream,
      KernelModules kernels,
      CudaKvMemory memory,
      int maxTokens,
      int maxRows) {
    this.config = config;
    this.device = device;
    this.stream = stream;
    this.memory = memory;
    this.maxTokens = maxTokens;
    this.maxRows = maxRows;
    KvDtype dtype = memory.geometry().dtype();
    int positions =
        Math.min(config.maxPositions(), memory.table().maxTiles() * memory.geometry().tileTokens());
    try {
      weights = opened.add(CudaWeights.load(checkpoint, config, device, stream, dtype, positions));
      activations = opened.add(new CudaActivations(device, config, dtype, maxTokens, maxRows));
      int emptyRow = memory.table().emptyRow();
      CudaPagedAttention attention =
          opened.add(
              CudaPagedAttention.open(
                  device, stream, kernels, memory, config.queryHeads(), maxRows));
      inputs =
          opened.add(
              new CudaStepInputs(
                  device,
                  maxTokens,
                  maxRows,
                  attention.itemTokens(),
                  emptyRow,
                  attention.plans(config.windows())));
      results =
          opened.add(new CudaResults(device, stream, activations, config.vocabSize(), maxRows));
      Cublas cublas = opened.add(Cublas.open(stream));
      CudaOperations operations = new CudaOperations(config, memory, stream, kernels);
      forward =
          new CudaForward(
              config, dtype, weights, activations, operations, attention, cublas, stream);
      times = opened.add(new StepTimes(device, stream));
      graphs = opened.add(new DecodeGraphs(stream, maxRows, this::launchDecode));
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  /**
   * Uploads a checkpoint's weights; the checkpoint may be closed afterwards.
   *
   * @param stream order of all work on tiles, the copies of the cache included
   * @param memory where K and V are; its geometry must be the model's
   * @param maxTokens most tokens of a step
   * @param maxRows most segments of a step that want logits or a token
   * @throws InvalidModelException where a tensor is missing or has the wrong shape, or where there
   *     are no kernels for the model's shape
   * @throws org.tilekv.cuda.CudaOutOfMemoryException where the device has no room
   */
  public static CudaDecoder load(
      Checkpoint checkpoint,
      ModelConfig config,
      CudaDevice device,
      CudaStream stream,
      KernelModules kernels,
      CudaKvMemory memory,
      int maxTokens,
      int maxRows) {
    CudaShapes.check(config);
    return new CudaDecoder(checkpoint, config, device, stream, kernels, memory, maxTokens, maxRows);
  }

  @Override
  public int vocabSize() {
    return config.vocabSize();
  }

  @Override
  public int maxPositions() {
    return config.maxPositions();
  }

  @Override
  public boolean drawsTokens() {
    return !"false".equals(System.getProperty(DRAW_PROPERTY));
  }

  @Override
  public void start(StepBatch batch) {
    int outputs = outputs(batch);
    requireFits(batch.segments().tokens(), outputs);
    if (batch.size() > 0) {
      device.makeCurrent();
      wholeOrEnded(() -> queue(batch, outputs), stream::synchronize);
    }
    started = batch;
  }

  /**
   * Queues work; where that fails, waits for what was queued of it, which uses pages that are given
   * back now.
   */
  static void wholeOrEnded(Runnable queue, Runnable awaitQueued) {
    try {
      queue.run();
    } catch (Throwable failure) {
      try {
        awaitQueued.run();
      } catch (Throwable e) {
        failure.addSuppressed(e);
      }
      throw failure;
    }
  }

  private void queue(StepBatch batch, int outputs) {
    boolean decode = isDecode(batch, outputs);
    memory.tiles().orderStep(stream);
    times.begin(decode);
    memory.table().sync();
    if (decode) {
      int bucket = graphs.bucket(batch.size());
      inputs.fillDecode(batch, bucket);
      graphs.run(bucket, inputs.sharing(), inputs.draws());
    } else {
      inputs.fill(batch);
      inputs.send(stream);
      forward.run(inputs, batch.segments().tokens(), outputs);
      results.fetchTokens(outputs);
    }
    times.end();
    memory.tiles().stepQueued(stream);
  }

  @Override
  public void finish(float[] logits, int[] tokens) {
    StepBatch batch = started;
    if (batch == null) {
      throw new IllegalStateException("no step was started");
    }
    started = null;
    if (batch.size() > 0) {
      results.read(batch, outputs(batch), logits, tokens);
      times.add();
    }
  }

  private static int outputs(StepBatch batch) {
    return batch.logitRows() + batch.tokenRows();
  }

  /** How long the device was busy with steps so far. */
  StepTimes.Totals times() {
    return times.totals();
  }

  private void requireFits(int tokens, int outputs) {
    if (tokens > maxTokens || outputs > maxRows) {
      throw new IllegalArgumentException(
          "the step has "
              + tokens
              + " tokens and "
              + outputs
              + " results; this decoder was made for "
              + maxTokens
              + " and "
              + maxRows);
    }
  }

  private boolean isDecode(StepBatch batch, int outputs) {
    return batch.segments().tokens() == batch.size()
        && outputs == batch.size()
        && graphs.bucket(batch.size()) <= maxTokens;
  }

  private void launchDecode(int bucket) {
    inputs.send(stream);
    forward.run(inputs, bucket, bucket);
    results.fetchTokens(bucket);
  }

  @Override
  public void close() {
    device.makeCurrent();
    opened.close();
  }
}
