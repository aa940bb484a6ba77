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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.engine.ContinuousBatchingEngine;
import org.tilekv.engine.EngineConfig;
import org.tilekv.engine.EngineStats;
import org.tilekv.engine.GenerationRequest;
import org.tilekv.engine.GenerationResult;
import org.tilekv.llm.Checkpoint;
import org.tilekv.llm.CudaModel;
import org.tilekv.llm.HfConfigReader;
import org.tilekv.llm.ModelConfig;
import org.tilekv.llm.StepTimes;
import org.tilekv.prefix.Namespace;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Tokens per second of the engine on a GPU: a batch of requests that share a prefix, all submitted
 * at once, greedy, without end tokens. Every repetition has a prefix of its own, so that nothing is
 * left over from the one before.
 */
@Command(
    name = "end-to-end-gpu",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Measures the engine on a GPU.")
public final class EndToEndGpu implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "Hugging Face directory")
  private Path model = Path.of("");

  @Option(names = "--requests", description = "requests submitted at once")
  private int requests = 256;

  @Option(names = "--shared", description = "tokens of the shared prefix")
  private int shared = 384;

  @Option(names = "--prompt", description = "tokens of a prompt, the shared ones included")
  private int prompt = 512;

  @Option(names = "--new", description = "tokens generated per request")
  private int newTokens = 128;

  @Option(names = "--repetitions", description = "measured, after one that is not")
  private int repetitions = 5;

  @Option(names = "--tile", description = "tokens of a tile")
  private int tileTokens = 64;

  @Option(names = "--step-tokens", description = "most tokens of a step")
  private int stepTokens = 8192;

  @Option(names = "--kv-dtype", description = "one of ${COMPLETION-CANDIDATES}")
  private KvDtype dtype = KvDtype.BFLOAT16;

  @Option(names = "--read-rate", description = "GB/s of a plain read of device memory")
  private double readGbPerSecond = 4500;

  private EndToEndGpu() {}

  private static long parameters(Checkpoint checkpoint) {
    return checkpoint.names().stream().mapToLong(name -> checkpoint.tensor(name).elements()).sum();
  }

  public static void main(String[] args) {
    System.exit(new CommandLine(new EndToEndGpu()).execute(args));
  }

  @Override
  public Integer call() {
    ModelConfig config = HfConfigReader.read(model);
    TileGeometry geometry =
        new TileGeometry(config.layers(), config.kvHeads(), config.headDim(), tileTokens, dtype);
    EngineConfig engineConfig =
        new EngineConfig(requests, stepTokens, stepTokens, 60_000, true, false);
    CudaModel.Budget budget = new CudaModel.Budget(0, 0, 0.5, stepTokens, requests);
    try (Checkpoint checkpoint = Checkpoint.open(model);
        CudaModel opened =
            CudaModel.open(
                checkpoint, config, geometry, budget, pages -> options(geometry, pages));
        ContinuousBatchingEngine engine =
            new ContinuousBatchingEngine(
                opened.decoder(), opened.cache(), null, engineConfig, prompt + newTokens, null)) {
      double[] rates = new double[repetitions];
      for (int i = -1; i < repetitions; i++) {
        double rate = run(engine, opened, config, i);
        if (i >= 0) {
          rates[i] = rate;
        }
      }
      Arrays.sort(rates);
      line("median %.0f output tokens/s", rates[repetitions / 2]);
      reportRoofline(config, parameters(checkpoint), readGbPerSecond);
    }
    return 0;
  }

  private TileCacheOptions options(TileGeometry geometry, int pages) {
    return new TileCacheOptions(
        geometry,
        pages,
        requests,
        geometry.tilesFor(prompt + newTokens),
        Namespace.builder().field("model", model.toString()).build(),
        600_000,
        true,
        () -> System.nanoTime() / 1_000_000);
  }

  private double run(
      ContinuousBatchingEngine engine, CudaModel opened, ModelConfig config, int repetition) {
    EngineStats before = engine.stats();
    StepTimes.Totals timesBefore = opened.stepTimes();
    List<GenerationRequest> batch =
        new RequestBatch(requests, shared, prompt, newTokens, config.vocabSize())
            .generate(repetition);
    long start = System.nanoTime();
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    batch.forEach(request -> futures.add(engine.submit(request)));
    long[] firstTokens =
        futures.stream().mapToLong(future -> future.join().firstTokenNanos()).sorted().toArray();
    double seconds = (System.nanoTime() - start) / 1e9;
    EngineStats after = engine.stats();
    StepTimes.Totals times = opened.stepTimes();
    long tokens = after.outputTokens() - before.outputTokens();
    line(
        "%s: %.3f s, %d output tokens, %.0f tokens/s, %d prompt tokens computed, %d resident pages",
        repetition < 0 ? "warm-up" : "run " + repetition,
        seconds,
        tokens,
        tokens / seconds,
        after.promptTokensComputed() - before.promptTokensComputed(),
        opened.cache().stats().residentPages());
    reportSteps(timesBefore, times, firstTokens, seconds);
    return tokens / seconds;
  }

  /** Decode steps begin when the last row has its first token. */
  private void reportSteps(
      StepTimes.Totals before, StepTimes.Totals after, long[] firstTokens, double seconds) {
    double last = firstTokens[firstTokens.length - 1] / 1e9;
    long decodeSteps = after.decodeSteps() - before.decodeSteps();
    double decodeMs = (after.decodeNanos() - before.decodeNanos()) / 1e6 / decodeSteps;
    double stepMs = 1e3 * (seconds - last) / (newTokens - 1);
    line(
        "  first token p50 %.1f ms, max %.1f ms; %d other steps, GPU busy %.1f ms; decode step %.3f"
            + " ms: GPU busy %.3f ms, else %.3f ms; %d decode steps",
        firstTokens[firstTokens.length / 2] / 1e6,
        1e3 * last,
        after.otherSteps() - before.otherSteps(),
        (after.otherNanos() - before.otherNanos()) / 1e6,
        stepMs,
        decodeMs,
        stepMs - decodeMs,
        decodeSteps);
  }

  /** The least that a decode step must read, over the rate of a plain read of device memory. */
  private void reportRoofline(ModelConfig config, long parameters, double readGbPerSecond) {
    double kvPerToken = 2.0 * config.layers() * config.kvHeads() * config.headDim() * dtype.bytes();
    double own = requests * (prompt - shared + newTokens / 2.0);
    double weights = (double) parameters * dtype.bytes();
    double bytes = weights + kvPerToken * (shared + own);
    line(
        "least a decode step reads: weights %.2f GB, KV %.2f GB (shared prefix once); at %.0f GB/s"
            + " %.3f ms",
        weights / 1e9,
        kvPerToken * (shared + own) / 1e9,
        readGbPerSecond,
        bytes / readGbPerSecond / 1e6);
  }

  private static void line(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }
}
