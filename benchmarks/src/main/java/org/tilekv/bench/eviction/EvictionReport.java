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
package org.tilekv.bench.eviction;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.tilekv.CacheStats;
import org.tilekv.EvictionOrder;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Hits, bytes and modelled job time of LRU, of eviction by plan, and of the optimum, at several
 * sizes of the pool and on several traces.
 */
@Command(
    name = "eviction",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Replays traces through the cache's bookkeeping and through the optimum.")
public final class EvictionReport implements Callable<Integer> {

  @Option(names = "--seed", description = "of the traces")
  private long seed = 1;

  @Option(names = "--templates", description = "templates")
  private int templates = 64;

  @Option(names = "--template-tokens", description = "tokens of a template")
  private int templateTokens = 4096;

  @Option(names = "--rows", description = "rows per template and job")
  private int rowsPerTemplate = 24;

  @Option(names = "--in-flight", description = "most rows in flight")
  private int rowsInFlight = 4;

  @Option(names = "--tile", description = "tokens of a tile")
  private int tileTokens = 64;

  @Option(names = "--pools", split = ",", description = "pools in percent of the working set")
  private int[] pools = {10, 25, 50};

  private EvictionReport() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new EvictionReport()).execute(args));
  }

  @Override
  public Integer call() {
    print(
        "%-13s %5s %6s %-8s %10s %7s %10s %10s %9s %9s %9s%n",
        "trace",
        "pool",
        "tiles",
        "order",
        "hits",
        "of all",
        "of optimum",
        "misses",
        "moved GiB",
        "job s",
        "fetching");
    Traces traces = new Traces(seed, templates, rowsPerTemplate, templateTokens);
    for (RowTrace trace : List.of(traces.randomOrder(), traces.sorted(), traces.twoJobs())) {
      for (int percent : pools) {
        report(trace, percent);
      }
    }
    return 0;
  }

  private void report(RowTrace trace, int percent) {
    int tiles = new OptimalPool(trace, 0, tileTokens).workingSet() * percent / 100;
    OptimalPool optimum = new OptimalPool(trace, tiles, tileTokens);
    int inFlight = new RowWindow(rowsInFlight, optimum).replay(trace);
    for (EvictionOrder order : EvictionOrder.values()) {
      try (CachePool pool = new CachePool(trace, tiles, rowsInFlight, tileTokens, order)) {
        long startedNs = cpuNs();
        new RowWindow(rowsInFlight, pool).replay(trace);
        double microsPerRow = (cpuNs() - startedNs) / 1e3 / trace.rows().size();
        line(trace, percent, tiles, order.name(), pool.hitTiles(), optimum);
        CacheStats stats = pool.stats();
        print(
            "  evicted %s; %.0f us of CPU per row%n",
            new TreeMap<>(stats.evictions()), microsPerRow);
      }
    }
    line(trace, percent, tiles, "optimum", optimum.hitTiles(), optimum);
    print("  at most %d rows in flight%n", inFlight);
  }

  private void line(
      RowTrace trace, int percent, int tiles, String order, long hits, OptimalPool optimum) {
    CostModel costs = new CostModel(trace, tileTokens);
    long lookups = optimum.lookups();
    print(
        "%-13s %3d %% %6d %-8s %10d %6.2f%% %9.2f%% %10d %9.1f %9.2f %9.2f",
        trace.name(),
        percent,
        tiles,
        order,
        hits,
        100.0 * hits / lookups,
        100.0 * hits / optimum.hitTiles(),
        lookups - hits,
        costs.movedGib(lookups - hits),
        costs.computingSeconds(hits),
        costs.fetchingSeconds(hits, optimum.mostHits()));
  }

  private static long cpuNs() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static void print(String format, Object... values) {
    System.out.printf(Locale.ROOT, format, values);
  }
}
