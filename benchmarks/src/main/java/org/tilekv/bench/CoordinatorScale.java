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

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorReporter;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.Member;
import org.tilekv.coordinator.Placement;
import org.tilekv.coordinator.Register;
import org.tilekv.coordinator.Shard;
import org.tilekv.coordinator.ShardMap;
import org.tilekv.coordinator.WorkItem;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The coordinator of a large cluster, on one thread and with a clock of its own: time to assign
 * shards and to handle losses, what moves, how even the load is, heartbeats per second, memory.
 * Times are the thread's CPU time.
 */
@Command(
    name = "coordinator-scale",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Simulates a large cluster on one driver thread.")
public final class CoordinatorScale implements Callable<Integer> {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  /** Worst load over mean that is allowed. */
  private static final double MOST_OVER_MEAN = 1.15;

  @Option(names = "--executors", description = "executors")
  private int executors = 10_000;

  @Option(names = "--shards", description = "sequence groups")
  private int shards = 1_000_000;

  @Option(names = "--losses", description = "executors that are lost, one by one")
  private int losses = 100;

  @Option(names = "--heartbeats", description = "heartbeats of each executor")
  private int heartbeats = 50;

  @Option(names = "--tiles", description = "tiles that a heartbeat publishes, and drops")
  private int tiles = 32;

  @Option(names = "--items", description = "work items that are placed in one call")
  private int items = 20_000;

  private long nowMs = 1_000;
  private boolean failed;
  private long[][] held = {};
  private byte[][] messages = {};
  private byte[][] replies = {};

  private CoordinatorScale() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new CoordinatorScale()).execute(args));
  }

  @Override
  public Integer call() {
    line("%d executors, %d shards, Java %s", executors, shards, Runtime.version());
    warmUp();
    Coordinator coordinator = register(executors);
    ShardMap map = assign(coordinator);
    map = lose(coordinator, map);
    map = join(coordinator, map);
    heartbeatsPerSecond(coordinator);
    return failed ? 1 : 0;
  }

  /** A cluster of a tenth, so that the compiler has seen everything. */
  private void warmUp() {
    for (int i = 0; i < 3; i++) {
      Coordinator small = register(executors / 10);
      small.shardMap(shards / 10);
      for (int lost = 0; lost < losses / 10; lost++) {
        small.executorLost(id(lost));
      }
    }
  }

  private Coordinator register(int count) {
    Coordinator coordinator = new Coordinator(TileKvConfig.defaults(), () -> nowMs);
    for (int i = 0; i < count; i++) {
      coordinator.register(new Register(id(i), "host-" + i / 8, 8, 1L << 34));
    }
    return coordinator;
  }

  private static String id(int executor) {
    return Integer.toString(executor);
  }

  private ShardMap assign(Coordinator coordinator) {
    long before = usedBytes();
    long start = cpuNanos();
    ShardMap map = coordinator.shardMap(shards);
    line("assign all shards:            %8.1f ms", millisSince(start));
    line(
        "memory of the map:            %8.1f bytes per shard",
        (usedBytes() - before) / (double) shards);
    reportLoad(map);
    return map;
  }

  private ShardMap lose(Coordinator coordinator, ShardMap first) {
    ShardMap map = first;
    long nanos = 0;
    long worst = 0;
    long moved = 0;
    long least = 0;
    for (int i = 0; i < losses; i++) {
      String lost = id((int) ((long) i * executors / losses));
      long start = cpuNanos();
      coordinator.executorLost(lost);
      ShardMap next = coordinator.shardMap(shards);
      long took = cpuNanos() - start;
      nanos += took;
      worst = Math.max(worst, took);
      least += map.shardsOf(lost).size();
      moved += moved(map, next);
      map = next;
    }
    line(
        "handle %d losses, one by one: %8.1f ms; the longest %.2f ms",
        losses, nanos / 1e6, worst / 1e6);
    line(
        "shards moved:                 %8d, least possible %d: %.4f",
        moved, least, (double) moved / least);
    failed |= moved != least;
    reportLoad(map);
    return map;
  }

  private ShardMap join(Coordinator coordinator, ShardMap first) {
    ShardMap map = first;
    long nanos = 0;
    long moved = 0;
    double least = 0;
    for (int i = 0; i < losses; i++) {
      long start = cpuNanos();
      coordinator.register(new Register(id(executors + i), "host-new", 8, 1L << 34));
      ShardMap next = coordinator.shardMap(shards);
      nanos += cpuNanos() - start;
      least += Math.floor((double) shards / next.members().size());
      moved += moved(map, next);
      map = next;
    }
    line("take in %d executors:         %8.1f ms", losses, nanos / 1e6);
    line("shards moved:                 %8d, their shares %.0f: %.4f", moved, least, moved / least);
    reportLoad(map);
    return map;
  }

  private static long moved(ShardMap before, ShardMap after) {
    long moved = 0;
    for (int group = 0; group < before.groups(); group++) {
      Shard shard = Shard.ofGroup(group);
      moved += before.executor(shard).equals(after.executor(shard)) ? 0 : 1;
    }
    return moved;
  }

  private void reportLoad(ShardMap map) {
    Map<Member, Integer> loads = new HashMap<>();
    for (int group = 0; group < map.groups(); group++) {
      loads.merge(map.executor(Shard.ofGroup(group)).orElseThrow(), 1, Integer::sum);
    }
    double mean = (double) map.groups() / map.members().size();
    int worst = loads.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    line("worst load over mean:         %8.4f (%d over %.2f)", worst / mean, worst, mean);
    failed |= worst / mean > MOST_OVER_MEAN;
  }

  /** Every executor in turn; a second of the clock passes per round. */
  private void heartbeatsPerSecond(Coordinator coordinator) {
    held = new long[executors][tiles];
    messages = new byte[executors][];
    replies = new byte[executors][];
    List<ExecutorReporter> reporters = new ArrayList<>();
    for (int i = 0; i < executors; i++) {
      reporters.add(new ExecutorReporter(new Register("h" + i, "host-" + i / 8, 8, 1L << 34)));
    }
    Coordinator fresh = new Coordinator(TileKvConfig.defaults(), () -> nowMs);
    for (ExecutorReporter reporter : reporters) {
      reporter.answered(fresh.receive(reporter.next(ExecutorStats.ZERO)));
    }
    long[] nanos = new long[3];
    int counted = 0;
    Random random = new Random(1);
    for (int round = 0; round < heartbeats; round++) {
      boolean warm = round >= heartbeats / 5;
      nowMs += 1_000;
      change(reporters, random);
      beat(fresh, reporters, warm ? nanos : new long[3]);
      counted += warm ? executors : 0;
      fresh.tick();
    }
    line("heartbeats, %d + %d tiles each, %d bytes:", tiles, tiles, messages[0].length);
    line("  executor writes:            %8.2f us", nanos[0] / 1e3 / counted);
    line(
        "  driver reads and answers:   %8.2f us: %.0f per second and core",
        nanos[1] / 1e3 / counted, 1e9 * counted / nanos[1]);
    line("  executor reads:             %8.2f us", nanos[2] / 1e3 / counted);
    line(
        "  all three:                  %8.0f per second and core",
        1e9 * counted / (nanos[0] + nanos[1] + nanos[2]));
    line(
        "  taken %d, resyncs %d, refused %s, entries of the directory %d",
        fresh.stats().heartbeats(),
        fresh.stats().resyncs(),
        fresh.stats().refused(),
        fresh.stats().directoryTiles());
    place(fresh, random);
  }

  private void change(List<ExecutorReporter> reporters, Random random) {
    for (int e = 0; e < executors; e++) {
      for (int i = 0; i < tiles; i++) {
        if (held[e][i] != 0) {
          reporters.get(e).dropped(held[e][i]);
        }
        // One in eight is a tile that many executors hold.
        held[e][i] = i % 8 == 0 ? 1 + random.nextInt(100_000) : random.nextLong();
        reporters.get(e).published(held[e][i]);
      }
    }
  }

  private void beat(Coordinator coordinator, List<ExecutorReporter> reporters, long[] nanos) {
    long start = cpuNanos();
    for (int e = 0; e < executors; e++) {
      messages[e] = reporters.get(e).next(ExecutorStats.ZERO);
    }
    long written = cpuNanos();
    for (int e = 0; e < executors; e++) {
      replies[e] = coordinator.receive(messages[e]);
    }
    long answered = cpuNanos();
    for (int e = 0; e < executors; e++) {
      reporters.get(e).answered(replies[e]);
    }
    nanos[0] += written - start;
    nanos[1] += answered - written;
    nanos[2] += cpuNanos() - answered;
  }

  private void place(Coordinator coordinator, Random random) {
    List<WorkItem> work = new ArrayList<>();
    for (int i = 0; i < items; i++) {
      long[] names = new long[16];
      for (int t = 0; t < names.length; t++) {
        names[t] = i % 2 == 0 ? (i + t) % 100_000 : random.nextLong();
      }
      work.add(new WorkItem(names, 64, 2_000 + random.nextInt(2_000)));
    }
    long start = cpuNanos();
    List<Placement> placements = coordinator.place(work);
    double millis = millisSince(start);
    line(
        "place %d work items:       %8.1f ms, %.1f us each: %s",
        items, millis, 1e3 * millis / items, coordinator.stats().placements());
    failed |= placements.size() != items;
  }

  /** CPU time of this thread: what others do on the machine does not count. */
  private static long cpuNanos() {
    return THREADS.getCurrentThreadCpuTime();
  }

  private static double millisSince(long nanos) {
    return (cpuNanos() - nanos) / 1e6;
  }

  private static long usedBytes() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static void line(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }
}
