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
package org.tilekv.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.ExecutorDecommissionInfo;
import org.apache.spark.scheduler.cluster.CoarseGrainedSchedulerBackend;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.Member;
import org.tilekv.coordinator.Shard;
import org.tilekv.coordinator.ShardMap;

/**
 * Executors that are killed, added, removed and decommissioned under a job, and what that costs.
 *
 * <pre>
 * MembershipRuns DATA kills ROWS RUNS SEED    kills one executor at a random moment of each run
 * MembershipRuns DATA scale ROWS              removes and adds executors in one job
 * MembershipRuns DATA decommission ROWS       recomputed tokens with and without hand-over
 * </pre>
 *
 * <p>{@code benchmarks/membership.sh} submits it. Ends with exit code 1 where an output differs,
 * where no kill hit an executor that had work, and where a job ended before an executor was
 * removed.
 */
public final class MembershipRuns {

  private static final int PARTITIONS = 8;
  private static final int GROUPS = 64;

  private final Path data;
  private final int rows;
  private boolean failed;

  private MembershipRuns(Path data, int rows) {
    this.data = data;
    this.rows = rows;
  }

  public static void main(String[] args) throws Exception {
    if (args.length < 3) {
      throw new IllegalArgumentException(
          "DATA, one of kills, scale and decommission, and ROWS are needed");
    }
    MembershipRuns runs = new MembershipRuns(Path.of(args[0]), Integer.parseInt(args[2]));
    switch (args[1]) {
      case "kills" -> runs.kills(Integer.parseInt(args[3]), Long.parseLong(args[4]));
      case "scale" -> runs.scale();
      case "decommission" -> runs.decommission();
      default -> throw new IllegalArgumentException("there is no case '" + args[1] + "'");
    }
    if (runs.failed) {
      System.out.println("FAILED, see above");
      System.exit(1);
    }
  }

  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }

  private void check(String what, String expected, String found) {
    if (!expected.equals(found)) {
      failed = true;
      print("%s: digest %s, expected %s", what, found, expected);
    }
  }

  private void fail(String why) {
    failed = true;
    print("%s", why);
  }

  // --- killed executors ---

  /** What a run without a kill gives and costs. */
  private record Baseline(String digest, long computed, long nanos) {}

  private void kills(int runs, long seed) throws IOException, InterruptedException {
    long start = System.nanoTime();
    try (MembershipCluster cluster = new MembershipCluster(data, rows, Map.of())) {
      cluster.awaitExecutors(2);
      List<String> prompts = cluster.prompts();
      cluster.run(prompts, "warm", PARTITIONS);
      cluster.run(prompts, "warmer", PARTITIONS);
      Baseline baseline = baseline(cluster, prompts);
      print(
          "without kills: digest %s, %d prompt tokens computed, %d ms",
          baseline.digest(), baseline.computed(), baseline.nanos() / 1_000_000);
      print(
          "run  killed at  executor  tokens lost  extra computed  tiles fetched  victim    output");
      long lost = 0;
      long extra = 0;
      int working = 0;
      // One generator for all: the first numbers of neighbouring seeds are alike.
      Random random = new Random(seed);
      for (int run = 0; run < runs; run++) {
        Kill kill = kill(cluster, prompts, baseline, run, random);
        lost += kill.lost();
        extra += kill.extra();
        working += kill.working() ? 1 : 0;
      }
      print(
          "%d runs, seed %d: %s; lost %d tokens in all, computed %d more; %d s",
          runs,
          seed,
          failed ? "OUTPUTS DIFFER" : "all outputs are the same",
          lost,
          extra,
          (System.nanoTime() - start) / 1_000_000_000L);
      print("%d kills of a working executor, %d of others", working, runs - working);
      if (working == 0) {
        fail("no executor that had work was killed: the runs show nothing");
      }
    }
  }

  private Baseline baseline(MembershipCluster cluster, List<String> prompts) {
    long before = cluster.totals().computedTokens();
    long start = System.nanoTime();
    String digest = cluster.run(prompts, "baseline", PARTITIONS);
    long nanos = System.nanoTime() - start;
    return new Baseline(digest, cluster.totals().computedTokens() - before, nanos);
  }

  /**
   * What one kill hit.
   *
   * @param lost tokens that the victim had computed in this run
   * @param extra tokens that were computed beyond the baseline
   * @param running whether the job was still running when the victim was killed
   */
  private record Kill(long lost, long extra, boolean running) {

    boolean working() {
      return running && lost > 0;
    }
  }

  private Kill kill(
      MembershipCluster cluster, List<String> prompts, Baseline baseline, int run, Random random)
      throws InterruptedException {
    cluster.awaitExecutors(2);
    Map<String, Long> processes = cluster.processes();
    List<String> ids = new ArrayList<>(processes.keySet());
    String victim = ids.get(random.nextInt(ids.size()));
    double moment = 0.05 + 0.9 * random.nextDouble();
    cluster.tileKv().refresh();
    long before = cluster.totals().computedTokens();
    long fetched = cluster.totals().fetchedTiles();
    long itsBefore = cluster.computedBy(victim);
    CompletableFuture<String> job =
        CompletableFuture.supplyAsync(() -> cluster.run(prompts, "run " + run, PARTITIONS));
    TimeUnit.NANOSECONDS.sleep((long) (moment * baseline.nanos()));
    long process = Objects.requireNonNull(processes.get(victim), victim);
    cluster.tileKv().refresh();
    long lost = cluster.computedBy(victim) - itsBefore;
    boolean running = !job.isDone();
    ProcessHandle.of(process).ifPresent(ProcessHandle::destroyForcibly);
    String digest = job.join();
    long extra = cluster.totals().computedTokens() - before - baseline.computed();
    check("run " + run, baseline.digest(), digest);
    Kill kill = new Kill(lost, extra, running);
    print(
        "%3d  %8.0f%%  %8s  %11d  %14d  %13d  %-8s  %s",
        run,
        100 * moment,
        victim,
        lost,
        extra,
        cluster.totals().fetchedTiles() - fetched,
        kill.working() ? "working" : running ? "idle" : "job over",
        digest.equals(baseline.digest()) ? "same" : "OTHER");
    MembershipCluster.await(
        "executor " + victim + " is gone", () -> !cluster.executors().contains(victim));
    return kill;
  }

  // --- executors added and removed ---

  private void scale() throws IOException, InterruptedException {
    try (MembershipCluster cluster = new MembershipCluster(data, rows, Map.of())) {
      cluster.awaitExecutors(3);
      List<String> prompts = cluster.prompts();
      String expected = cluster.run(prompts, "expected", PARTITIONS);
      SparkContext context = cluster.spark().sparkContext();
      total(context, 3);
      CompletableFuture<String> job =
          CompletableFuture.supplyAsync(() -> cluster.run(prompts, "scaled", 4 * PARTITIONS));
      for (int round = 0; round < 2; round++) {
        TimeUnit.MILLISECONDS.sleep(500);
        if (job.isDone()) {
          fail("the job was over before removal " + (round + 1) + "; give it more rows");
        }
        Map<Integer, String> three = owners(cluster);
        String leaves = cluster.executors().get(0);
        context.killExecutors(
            scala.jdk.javaapi.CollectionConverters.asScala(List.of(leaves)).toSeq());
        cluster.awaitExecutors(2);
        Map<Integer, String> two = owners(cluster);
        moved("executor " + leaves + " removed", three, two, Set.of(leaves));
        Set<String> before = new HashSet<>(cluster.executors());
        total(context, 3);
        cluster.awaitExecutors(3);
        Set<String> added = new HashSet<>(cluster.executors());
        added.removeAll(before);
        moved("executor " + added + " added", two, owners(cluster), added);
      }
      print("the job is %s", job.isDone() ? "over" : "still running");
      String digest = job.join();
      check("scaled", expected, digest);
      print("digest %s, expected %s", digest, expected);
    }
  }

  private static void total(SparkContext context, int executors) {
    context.requestTotalExecutors(executors, 0, scala.collection.immutable.Map$.MODULE$.empty());
  }

  private static Map<Integer, String> owners(MembershipCluster cluster) {
    Coordinator coordinator = TileKvDriver.require(cluster.spark().sparkContext()).coordinator();
    ShardMap map = coordinator.shardMap(GROUPS);
    Map<Integer, String> owners = new HashMap<>();
    for (int group = 0; group < GROUPS; group++) {
      owners.put(
          group, map.executor(Shard.ofGroup(group)).map(Member::executorId).orElse("nobody"));
    }
    return owners;
  }

  /** Shards that changed hands, and those of them that came from or went to the executors. */
  private void moved(
      String what, Map<Integer, String> before, Map<Integer, String> after, Set<String> who) {
    int moved = 0;
    int needed = 0;
    for (Map.Entry<Integer, String> shard : before.entrySet()) {
      String now = after.get(shard.getKey());
      if (!shard.getValue().equals(now)) {
        moved++;
        needed += who.contains(shard.getValue()) || who.contains(now) ? 1 : 0;
      }
    }
    print("%s: %d of %d shards moved, %d of them from or to it", what, moved, GROUPS, needed);
    failed |= moved != needed;
  }

  // --- decommissioned executors ---

  private void decommission() throws IOException, InterruptedException {
    long without = recomputed("0");
    long with = recomputed("10s");
    print(
        "recomputed prompt tokens after one of two executors was decommissioned: %d without"
            + " hand-over, %d with",
        without, with);
  }

  private long recomputed(String handover) throws IOException, InterruptedException {
    Map<String, String> settings =
        Map.of(
            "spark.decommission.enabled", "true", "spark.tilekv.decommission.handover", handover);
    try (MembershipCluster cluster = new MembershipCluster(data, rows, settings)) {
      cluster.awaitExecutors(2);
      List<String> prompts = cluster.prompts();
      String digest = cluster.run(prompts, "one", PARTITIONS);
      long first = cluster.totals().computedTokens();
      String leaves = cluster.executors().get(0);
      long its = cluster.computedBy(leaves);
      long start = System.nanoTime();
      ((CoarseGrainedSchedulerBackend) cluster.spark().sparkContext().schedulerBackend())
          .decommissionExecutor(
              leaves, new ExecutorDecommissionInfo("run", scala.Option.empty()), true, false);
      cluster.awaitExecutors(1);
      long gone = (System.nanoTime() - start) / 1_000_000;
      cluster.tileKv().refresh();
      long before = cluster.totals().computedTokens();
      check("after decommission", digest, cluster.run(prompts, "one", PARTITIONS));
      long again = cluster.totals().computedTokens() - before;
      print(
          "handover %s: computed %d, %d of them on executor %s, gone after %d ms;"
              + " %d tiles received, %d tokens computed again",
          handover, first, its, leaves, gone, cluster.totals().receivedTiles(), again);
      return again;
    }
  }
}
