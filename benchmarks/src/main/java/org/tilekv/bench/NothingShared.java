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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvDtype;
import org.tilekv.cache.CacheTier;
import org.tilekv.cache.CacheTierOptions;
import org.tilekv.engine.DeviceChoice;
import org.tilekv.engine.EngineConfig;
import org.tilekv.engine.GenerationRequest;
import org.tilekv.engine.GenerationResult;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.engine.ModelRuntimes;
import org.tilekv.engine.PrefixSources;
import org.tilekv.engine.RuntimeOptions;
import org.tilekv.tier.DiskTier;
import org.tilekv.tier.DiskTierOptions;
import org.tilekv.tier.HostTier;
import org.tilekv.tier.TierStorage;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What the cache costs where rows share nothing: the same rows without prefix reuse, with it, and
 * with a lower tier below a pool that evicts all the time (host memory on a GPU, else disk); in
 * turns, in one process. A second engine without reuse tells what two engines differ by anyway:
 * where their memory lies is worth some percent on a CPU, unless each round opens new ones.
 */
@Command(
    name = "nothing-shared",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description =
        "Prints median seconds of a job whose rows share nothing, with the cache and without.")
public final class NothingShared implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "Hugging Face directory")
  private Path model = Path.of("");

  @Option(names = "--rows", description = "rows of a job")
  private int rows = 64;

  @Option(names = "--prompt-tokens", description = "tokens of a prompt")
  private int promptTokens = 400;

  @Option(names = "--new-tokens", description = "tokens to generate")
  private int newTokens = 16;

  @Option(names = "--rounds", description = "runs of each kind that are measured")
  private int rounds = 11;

  @Option(names = "--pool-mib", description = "page pool in MiB")
  private long poolMib = 64;

  @Option(names = "--threads", description = "compute threads")
  private int threads = 2;

  @Option(names = "--device", description = "cpu or gpu")
  private String device = "cpu";

  @Option(names = "--kv-dtype", description = "one of ${COMPLETION-CANDIDATES}")
  private KvDtype dtype = KvDtype.FLOAT32;

  @Option(names = "--tile", description = "tokens of a tile")
  private int tileTokens = 16;

  @Option(names = "--batch", description = "most rows at once")
  private int batchRows = 16;

  @Option(names = "--step-tokens", description = "most tokens of a step")
  private int stepTokens = 512;

  @Option(names = "--new-engines", description = "whether each round opens its engines anew")
  private boolean newEngines;

  @Option(names = "--host-mib", description = "host tier of a GPU in MiB")
  private long hostMib = 8192;

  private static final int WARM_UP_ROWS = 4;
  private static final long GPU_STAGING_BYTES = 256L << 20;

  private NothingShared() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new NothingShared()).execute(args));
  }

  /** One way to run the rows. */
  private static final class Kind implements AutoCloseable {

    private final String name;
    private final Supplier<ModelRuntime> opener;
    private final List<Double> seconds = new ArrayList<>();
    private @Nullable ModelRuntime runtime;
    private String stats = "";

    Kind(String name, Supplier<ModelRuntime> opener) {
      this.name = name;
      this.opener = opener;
    }

    ModelRuntime runtime() {
      ModelRuntime open = runtime == null ? opener.get() : runtime;
      runtime = open;
      return open;
    }

    @Override
    public void close() {
      if (runtime != null) {
        stats = runtime.cache().stats().toString();
        runtime.close();
        runtime = null;
      }
    }
  }

  @Override
  public Integer call() throws IOException {
    Path directory = Files.createTempDirectory("tilekv-nothing-shared");
    PrefixSources disk =
        (cache, namespace) -> {
          DiskTierOptions options =
              DiskTierOptions.of(List.of(directory), 2L << 30, namespace.bytes(), cache.geometry());
          DiskTier tier = DiskTier.open(options, TierStorage.real(), System::currentTimeMillis);
          return List.of(CacheTier.open(cache, tier, CacheTierOptions.DEFAULT));
        };
    PrefixSources host =
        (cache, namespace) ->
            List.of(
                CacheTier.open(
                    cache,
                    HostTier.create(
                        cache.geometry(),
                        cache.geometry().kvHeads(),
                        hostMib << 20,
                        cache.hostAllocator()),
                    new CacheTierOptions(GPU_STAGING_BYTES, 2, cache.hostAllocator())));
    List<Kind> kinds = new ArrayList<>();
    try {
      kinds.add(kind("cache off", false, PrefixSources.NONE));
      kinds.add(kind("cache on", true, PrefixSources.NONE));
      kinds.add(
          onGpu()
              ? kind("cache on, host tier below", true, host)
              : kind("cache on, disk tier below", true, disk));
      kinds.add(kind("cache off, another engine", false, PrefixSources.NONE));
      for (int round = -1; round < rounds; round++) {
        measure(kinds, round);
      }
    } finally {
      kinds.forEach(Kind::close);
      deleteAll(directory);
    }
    print(kinds);
    return 0;
  }

  private static void deleteAll(Path directory) throws IOException {
    List<Path> found;
    try (Stream<Path> paths = Files.walk(directory)) {
      found = paths.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : found) {
      Files.delete(path);
    }
  }

  private Kind kind(String name, boolean reuse, PrefixSources sources) {
    EngineConfig engine =
        new EngineConfig(batchRows, stepTokens, Math.max(1, stepTokens / 2), 60_000, reuse, false);
    long poolBytes = poolMib << 20;
    RuntimeOptions options =
        new RuntimeOptions(
            tileTokens, dtype, poolBytes, threads, 0, "auto", "auto", 60_000, null, engine);
    RuntimeOptions there = onGpu() ? options.on(new DeviceChoice("gpu", 0, poolBytes, 0)) : options;
    return new Kind(name, () -> ModelRuntimes.open(model, there.with(sources)));
  }

  private boolean onGpu() {
    return device.equals("gpu");
  }

  /** All kinds, in turns; the first round warms up. */
  private void measure(List<Kind> kinds, int round) {
    for (int turn = 0; turn < kinds.size(); turn++) {
      Kind kind = kinds.get(Math.floorMod(turn + round, kinds.size()));
      if (newEngines) {
        run(kind.runtime(), WARM_UP_ROWS, -2 - round);
      }
      double seconds = run(kind.runtime(), rows, round);
      if (round >= 0) {
        kind.seconds.add(seconds);
      }
      if (newEngines) {
        kind.close();
      }
    }
  }

  private double run(ModelRuntime runtime, int rows, int seed) {
    Random random = new Random(seed);
    int vocab = runtime.config().vocabSize();
    long start = System.nanoTime();
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      int[] prompt = random.ints(promptTokens, 0, vocab).toArray();
      futures.add(
          runtime.engine().submit(GenerationRequest.greedy(1, row, prompt, newTokens, Set.of())));
    }
    futures.forEach(CompletableFuture::join);
    return (System.nanoTime() - start) / 1e9;
  }

  private static void print(List<Kind> kinds) {
    for (Kind kind : kinds) {
      List<Double> ratios = ratios(kind, kinds.get(0));
      double mean = ratios.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
      System.out.printf(
          Locale.ROOT,
          "%-26s median %.3f s, least %.3f s of %d runs; against cache off median %+.2f %%,"
              + " mean %+.2f %%, standard error %.2f %%; %s%n",
          kind.name,
          median(kind.seconds),
          kind.seconds.stream().mapToDouble(Double::doubleValue).min().orElse(Double.NaN),
          kind.seconds.size(),
          100 * (median(ratios) - 1),
          100 * (mean - 1),
          100 * standardError(ratios, mean),
          kind.stats);
    }
  }

  private static double standardError(List<Double> values, double mean) {
    double squares = values.stream().mapToDouble(value -> (value - mean) * (value - mean)).sum();
    return Math.sqrt(squares / values.size() / Math.max(1, values.size() - 1));
  }

  /** Of each round, so that what the machine does meanwhile meets both. */
  private static List<Double> ratios(Kind kind, Kind base) {
    List<Double> ratios = new ArrayList<>();
    for (int round = 0; round < kind.seconds.size(); round++) {
      ratios.add(kind.seconds.get(round) / base.seconds.get(round));
    }
    return ratios;
  }

  private static double median(List<Double> seconds) {
    double[] sorted = seconds.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }
}
