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
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvDtype;
import org.tilekv.OpenedResources;
import org.tilekv.TileGeometry;
import org.tilekv.cache.CacheTier;
import org.tilekv.cache.CacheTierOptions;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.config.DiskAdmission;
import org.tilekv.engine.ContinuousBatchingEngine;
import org.tilekv.engine.EngineConfig;
import org.tilekv.engine.EngineStats;
import org.tilekv.engine.GenerationRequest;
import org.tilekv.engine.GenerationResult;
import org.tilekv.engine.SamplingParams;
import org.tilekv.llm.Checkpoint;
import org.tilekv.llm.CudaModel;
import org.tilekv.llm.HfConfigReader;
import org.tilekv.llm.ModelConfig;
import org.tilekv.prefix.Namespace;
import org.tilekv.tier.DiskTier;
import org.tilekv.tier.DiskTierOptions;
import org.tilekv.tier.HostTier;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.TierStorage;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * A job whose templates take four times the device's pool, run twice: with a pool for all of them,
 * with the small pool alone, and with the small pool above a host tier; rows in the order of a plan
 * and in random order. Then the time to the first token of a prompt whose tiles are on the device,
 * in host memory, on disk, and nowhere.
 */
@Command(
    name = "tiers-gpu",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Measures the tiers below a device's pool.")
public final class TiersGpu implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "Hugging Face directory")
  private Path model = Path.of("");

  @Option(names = "--disk", description = "directory for a disk tier; none: it is left out")
  private @Nullable Path disk;

  @Option(names = "--templates", description = "templates of the job")
  private int templates = 64;

  @Option(names = "--shared", description = "tokens of a template")
  private int shared = 4096;

  @Option(names = "--own", description = "tokens of a prompt beyond its template")
  private int own = 32;

  @Option(names = "--new", description = "tokens generated per row")
  private int newTokens = 64;

  @Option(names = "--rows", description = "rows of a template in the order of a plan")
  private int rowsOfTemplate = 48;

  @Option(names = "--random-rows", description = "rows of a template in random order")
  private int randomRowsOfTemplate = 8;

  @Option(names = "--batch", description = "most rows at once")
  private int batchRows = 128;

  @Option(names = "--tile", description = "tokens of a tile")
  private int tileTokens = 64;

  @Option(names = "--step-tokens", description = "most tokens of a step")
  private int stepTokens = 8192;

  private static final long STAGING_BYTES = 512L << 20;
  private static final int TTFT_PROMPTS = 9;

  private TiersGpu() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new TiersGpu()).execute(args));
  }

  /** What tiers a run has. */
  private enum Below {
    NOTHING,
    HOST,
    DISK
  }

  @Override
  public Integer call() {
    ModelConfig config = HfConfigReader.read(model);
    TileGeometry geometry =
        new TileGeometry(
            config.layers(), config.kvHeads(), config.headDim(), tileTokens, KvDtype.BFLOAT16);
    long template = (long) geometry.tilesFor(shared) * config.kvHeads() * geometry.tileBytes();
    long small = templates * template / 4;
    long ownOfBatch =
        (long) batchRows
            * geometry.tilesFor(own + newTokens)
            * config.kvHeads()
            * geometry.tileBytes();
    line(
        "%d templates of %d tokens, %d MiB each, %.1f GiB in all; small pool %.1f GiB; pages of %d KiB",
        templates,
        shared,
        template >> 20,
        gib(templates * template),
        gib(small),
        geometry.tileBytes() >> 10);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      double all = 0;
      for (Below below : new Below[] {Below.NOTHING, Below.HOST}) {
        for (boolean unlimited :
            below == Below.HOST ? new boolean[] {false} : new boolean[] {true, false}) {
          long pool =
              unlimited ? 2 * templates * template + 4 * ownOfBatch + totalOwn(geometry) : small;
          try (Run run =
              new Run(
                  checkpoint,
                  config,
                  geometry,
                  pool,
                  below,
                  templates * template + 2 * totalOwn(geometry))) {
            double rate = run.job(unlimited ? "pool for all" : "small pool, " + below, all);
            all = unlimited ? rate : all;
            if (below == Below.HOST) {
              run.firstTokens("host");
            } else if (unlimited) {
              run.firstTokens("device");
            } else {
              run.firstTokens("nowhere");
            }
          }
        }
      }
      if (disk != null) {
        try (Run run = new Run(checkpoint, config, geometry, small, Below.DISK, 0)) {
          run.fill();
          run.firstTokens("disk");
          line("%s", Objects.requireNonNull(run.tier).stats());
        }
      }
    }
    return 0;
  }

  private long totalOwn(TileGeometry geometry) {
    return (long) templates
        * (rowsOfTemplate + randomRowsOfTemplate)
        * geometry.tilesFor(own + newTokens)
        * geometry.kvHeads()
        * geometry.tileBytes();
  }

  private static double gib(long bytes) {
    return bytes / (double) (1L << 30);
  }

  /** A model with its engine and what is below its pool. */
  private final class Run implements AutoCloseable {
    private final OpenedResources opened = new OpenedResources();
    private final ModelConfig config;
    private final CudaModel device;
    private final @Nullable CacheTier tier;
    private final ContinuousBatchingEngine engine;
    private long owner;

    Run(
        Checkpoint checkpoint,
        ModelConfig config,
        TileGeometry geometry,
        long pool,
        Below below,
        long hostBytes) {
      this.config = config;
      CudaModel.Budget budget = new CudaModel.Budget(0, pool, 0, stepTokens, batchRows);
      device =
          opened.add(
              CudaModel.open(
                  checkpoint, config, geometry, budget, pages -> options(geometry, pages)));
      TileCache cache = device.cache();
      LowerTier lower =
          switch (below) {
            case NOTHING -> null;
            case HOST ->
                HostTier.create(geometry, geometry.kvHeads(), hostBytes, cache.hostAllocator());
            case DISK -> openDisk(cache);
          };
      tier =
          lower == null
              ? null
              : opened.add(
                  CacheTier.open(
                      cache, lower, new CacheTierOptions(STAGING_BYTES, 2, cache.hostAllocator())));
      EngineConfig engineConfig =
          new EngineConfig(batchRows, stepTokens, stepTokens, 60_000, true, false);
      engine =
          opened.add(
              new ContinuousBatchingEngine(
                  device.decoder(),
                  cache,
                  null,
                  engineConfig,
                  shared + own + newTokens,
                  null,
                  tier));
    }

    private TileCacheOptions options(TileGeometry geometry, int pages) {
      return new TileCacheOptions(
          geometry,
          pages,
          batchRows + 8,
          geometry.tilesFor(shared + own + newTokens),
          Namespace.builder().field("model", model.toString()).build(),
          600_000,
          true,
          () -> System.nanoTime() / 1_000_000);
    }

    private LowerTier openDisk(TileCache cache) {
      DiskTierOptions options =
          DiskTierOptions.of(
                  List.of(Objects.requireNonNull(disk)),
                  64L << 30,
                  cache.namespace().bytes(),
                  cache.geometry())
              .withAdmission(DiskAdmission.ALWAYS);
      return DiskTier.open(options, TierStorage.real(), System::currentTimeMillis);
    }

    /** Output tokens per second of the second pass, rows in the order of a plan. */
    double job(String name, double all) {
      double rate = 0;
      for (String order : new String[] {"planned", "planned", "planned", "random"}) {
        EngineStats before = engine.stats();
        long start = System.nanoTime();
        List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
        for (GenerationRequest row : rows(order.equals("random"))) {
          futures.add(engine.submit(row));
        }
        futures.forEach(CompletableFuture::join);
        double seconds = (System.nanoTime() - start) / 1e9;
        EngineStats after = engine.stats();
        rate = order.equals("planned") ? futures.size() * (double) newTokens / seconds : rate;
        line(
            "%-20s %-8s %6.2f s, %7.0f output tokens/s, %8d prompt tokens computed, %d rows",
            name,
            order,
            seconds,
            futures.size() * newTokens / seconds,
            after.promptTokensComputed() - before.promptTokensComputed(),
            futures.size());
      }
      if (all > 0) {
        line("%-20s planned: %.3f of a pool for all", name, rate / all);
      }
      if (tier != null) {
        line("%s", tier.stats());
      }
      return rate;
    }

    private List<GenerationRequest> rows(boolean random) {
      int each = random ? randomRowsOfTemplate : rowsOfTemplate;
      List<GenerationRequest> rows = new ArrayList<>();
      for (int template = 0; template < templates; template++) {
        for (int row = 0; row < each; row++) {
          rows.add(request(template, row, newTokens));
        }
      }
      if (random) {
        Collections.shuffle(rows, new Random(7));
      }
      return rows;
    }

    private GenerationRequest request(int template, int row, int tokens) {
      int[] prompt =
          Arrays.copyOf(
              new Random(template).ints(shared, 2, config.vocabSize()).toArray(), shared + own);
      Random random = new Random(1_000_003L * template + row);
      for (int i = shared; i < prompt.length; i++) {
        prompt[i] = 2 + random.nextInt(config.vocabSize() - 2);
      }
      return new GenerationRequest(
          1,
          owner++,
          prompt,
          tokens,
          Set.of(),
          List.of(),
          SamplingParams.GREEDY,
          1,
          1,
          false,
          null);
    }

    /** Computes each template once. */
    void fill() {
      for (int template = 0; template < templates; template++) {
        engine.submit(request(template, 0, 1)).join();
      }
    }

    /** One prompt at a time; those of templates that were used longest ago. */
    void firstTokens(String where) {
      boolean absent = where.equals("nowhere");
      double[] ms = new double[TTFT_PROMPTS];
      for (int i = 0; i < TTFT_PROMPTS; i++) {
        if (where.equals("device")) {
          engine.submit(request(i, 100_000, 1)).join();
        }
        GenerationRequest row = request(absent ? templates + i : i, 200_000 + i, 1);
        long start = System.nanoTime();
        engine.submit(row).join();
        ms[i] = (System.nanoTime() - start) / 1e6;
      }
      Arrays.sort(ms);
      line(
          "first token, tiles %-8s p50 %.2f ms, least %.2f, most %.2f",
          where, ms[TTFT_PROMPTS / 2], ms[0], ms[TTFT_PROMPTS - 1]);
    }

    @Override
    public void close() {
      opened.close();
    }
  }

  private static void line(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }
}
