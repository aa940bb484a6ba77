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
package org.tilekv.bench;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import java.util.function.ToDoubleFunction;
import org.tilekv.ComputePool;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.bench.RequestBatch.Outcome;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.engine.ContinuousBatchingEngine;
import org.tilekv.engine.EngineConfig;
import org.tilekv.engine.InferenceEngine;
import org.tilekv.llm.Checkpoint;
import org.tilekv.llm.CpuDecoder;
import org.tilekv.llm.HfConfigReader;
import org.tilekv.llm.MatMulKind;
import org.tilekv.llm.ModelConfig;
import org.tilekv.prefix.Namespace;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Tokens per second of the engine on the CPU, prefill and decode apart, at several batch sizes:
 *
 * <ul>
 *   <li>prefill: prompts without a common prefix, one new token each;
 *   <li>decode: prompts that are resident but for their last token, so that every step decodes.
 * </ul>
 *
 * {@link WriteRandomModel} writes a model for it.
 */
@Command(
    name = "end-to-end-cpu",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Measures the engine on the CPU.")
public final class EndToEndCpu implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "Hugging Face directory")
  private Path model = Path.of("");

  @Option(names = "--batch", split = ",", description = "requests submitted at once")
  private int[] batches = {1, 8, 32};

  @Option(names = "--prefill", description = "tokens of a prompt whose prefill is measured")
  private int prefill = 512;

  @Option(names = "--context", description = "tokens of a prompt whose decoding is measured")
  private int context = 128;

  @Option(names = "--new", description = "tokens decoded per request")
  private int newTokens = 128;

  @Option(names = "--warm-up", description = "seconds before each measurement, for the JIT")
  private double warmUpSeconds = 3;

  @Option(names = "--repetitions", description = "runs measured")
  private int repetitions = 3;

  @Option(names = "--threads", description = "compute threads")
  private int threads = 2;

  @Option(names = "--tile", description = "tokens of a tile")
  private int tileTokens = 16;

  @Option(names = "--step-tokens", description = "most tokens of a step")
  private int stepTokens = 512;

  @Option(names = "--chunk-tokens", description = "most tokens of one prompt in a step")
  private int chunkTokens = 256;

  @Option(names = "--kv-dtype", description = "one of ${COMPLETION-CANDIDATES}")
  private KvDtype dtype = KvDtype.FLOAT32;

  @Option(names = "--mat-mul", description = "as spark.tilekv.matMul")
  private String matMul = "auto";

  private EndToEndCpu() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new EndToEndCpu()).execute(args));
  }

  @Override
  public Integer call() {
    ModelConfig config = HfConfigReader.read(model);
    int rows = Arrays.stream(batches).max().orElse(1);
    TileGeometry geometry =
        new TileGeometry(config.layers(), config.kvHeads(), config.headDim(), tileTokens, dtype);
    EngineConfig engineConfig =
        new EngineConfig(rows, stepTokens, chunkTokens, 60_000, true, false);
    try (Checkpoint checkpoint = Checkpoint.open(model);
        ComputePool pool = ComputePool.of(threads);
        TileCache cache = TileCache.create(options(geometry, rows));
        CpuDecoder decoder =
            CpuDecoder.load(checkpoint, config, cache.kvMemory(), pool, MatMulKind.of(matMul));
        ContinuousBatchingEngine engine =
            new ContinuousBatchingEngine(decoder, cache, null, engineConfig, longest(), null)) {
      for (int batch : batches) {
        prefill(engine, config, batch);
        decode(engine, config, batch);
      }
    }
    return 0;
  }

  private int longest() {
    return Math.max(prefill + 1, context + newTokens);
  }

  private TileCacheOptions options(TileGeometry geometry, int rows) {
    int tiles = geometry.tilesFor(longest());
    return new TileCacheOptions(
        geometry,
        rows * tiles * geometry.kvHeads(),
        rows,
        tiles,
        Namespace.builder().field("model", model.toString()).build(),
        600_000,
        true,
        () -> System.nanoTime() / 1_000_000);
  }

  private void prefill(InferenceEngine engine, ModelConfig config, int requests) {
    RequestBatch batch = new RequestBatch(requests, 0, prefill, 1, config.vocabSize());
    // Every run has prompts of its own, so that nothing is resident.
    Outcome[] outcomes = measure(turn -> batch.run(engine, 1_000_003L * requests + turn));
    report("prefill", requests, outcomes, Outcome::promptRate);
  }

  private void decode(InferenceEngine engine, ModelConfig config, int requests) {
    RequestBatch batch = new RequestBatch(requests, 0, context, newTokens, config.vocabSize());
    Outcome[] outcomes = measure(turn -> batch.run(engine, -requests));
    report("decode ", requests, outcomes, Outcome::outputRate);
  }

  private Outcome[] measure(IntFunction<Outcome> run) {
    int turn = 0;
    long end = System.nanoTime() + (long) (warmUpSeconds * 1e9);
    do {
      line("  warm-up: %s", run.apply(turn++));
    } while (System.nanoTime() < end);
    Outcome[] outcomes = new Outcome[repetitions];
    for (int i = 0; i < repetitions; i++) {
      outcomes[i] = run.apply(turn++);
    }
    return outcomes;
  }

  private static void report(
      String what, int requests, Outcome[] outcomes, ToDoubleFunction<Outcome> rate) {
    for (Outcome outcome : outcomes) {
      line("  %s", outcome);
    }
    double[] rates = Arrays.stream(outcomes).mapToDouble(rate).sorted().toArray();
    line(
        "%s batch %2d: median %.1f tokens/s, best %.1f",
        what, requests, rates[rates.length / 2], rates[rates.length - 1]);
  }

  private static void line(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }
}
