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
package org.tilekv.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.tilekv.config.TileKvConfig;

class WorkPlacementTest {

  private static final int TILE_TOKENS = 16;
  private static final long STALE_MS = Coordinator.STALE_INTERVALS * 1_000L;

  private final long[] nowMs = {1_000};
  private final Coordinator coordinator = new Coordinator(TileKvConfig.defaults(), () -> nowMs[0]);
  private final Map<String, ExecutorReporter> executors = new LinkedHashMap<>();

  private ExecutorReporter executor(String id) {
    return Objects.requireNonNull(executors.get(id), id);
  }

  private long computed;

  private void start(String id, int cores) {
    executors.put(id, new ExecutorReporter(new Register(id, "host-" + id, cores, 0)));
    beat(id, 0);
    beat(id, 0);
  }

  private void start(String... ids) {
    for (String id : ids) {
      start(id, 1);
    }
  }

  /** So many rows wait there; a row takes 100 tokens. */
  private void beat(String id, long waitingRows) {
    long[] numbers = new long[ExecutorStats.FIELDS];
    numbers[0] = Math.max(1, computed / 100);
    numbers[3] = Math.max(100, computed);
    numbers[ExecutorStats.FIELDS - 2] = waitingRows;
    ExecutorReporter reporter = executor(id);
    reporter.answered(coordinator.receive(reporter.next(ExecutorStats.of(numbers))));
  }

  private void hold(String id, long... tiles) {
    LongStream.of(tiles).forEach(executor(id)::published);
    beat(id, 0);
  }

  private static WorkItem item(long cost, long... tiles) {
    return new WorkItem(tiles, TILE_TOKENS, cost);
  }

  private Placement place(WorkItem item) {
    return coordinator.place(List.of(item)).get(0);
  }

  private static String id(Placement placement) {
    return placement.executor().map(Member::executorId).orElse("nobody");
  }

  @Test
  void workGoesWhereMostOfItsPrefixIs() {
    start("a", "b", "c");
    hold("b", 1, 2, 3);
    hold("c", 1);
    Placement placement = place(item(100, 1, 2, 3, 4));
    assertThat(id(placement)).isEqualTo("b");
    assertThat(placement.reason()).isEqualTo(PlacementReason.RESIDENT);
    assertThat(placement.tokensSaved()).isEqualTo(3 * TILE_TOKENS);
    assertThat(placement.explain())
        .isEqualTo("executor b: it holds 48 tokens of the prefix; 0 wait");
    assertThat(coordinator.stats().placements()).isEqualTo(Map.of(PlacementReason.RESIDENT, 1L));
  }

  @Test
  void aTileInTheMiddleDoesNotHelp() {
    start("a", "b");
    hold("b", 2, 3);
    assertThat(place(item(100, 1, 2, 3)).reason()).isEqualTo(PlacementReason.NEW);
  }

  @Test
  void itMovesWhereMoreWaitsThanThePrefixSaves() {
    start("a", "b");
    hold("b", 1, 2, 3);
    beat("b", 1);
    Placement moved = place(item(1000, 1, 2, 3));
    assertThat(id(moved)).as("100 tokens wait at b, which saves 48").isEqualTo("a");
    assertThat(moved.reason()).isEqualTo(PlacementReason.MOVED_FOR_LOAD);
    assertThat(moved.tokensSaved()).isZero();
    assertThat(moved.mostTokensSaved()).isEqualTo(48);
    assertThat(moved.explain())
        .isEqualTo(
            "executor a: it saves 0 tokens of the prefix instead of 48 elsewhere, but only 0 wait"
                + " there");
  }

  @Test
  void whatIsPlacedCountsUntilTheExecutorHasComputedIt() {
    start("a", "b");
    hold("b", 1);
    String first = id(place(item(1_000)));
    String second = id(place(item(1_000)));
    assertThat(List.of(first, second)).containsExactlyInAnyOrder("a", "b");
    assertThat(place(item(10, 1)).queueTokens()).isEqualTo(1_000);
    computed = 100 + 5_000;
    beat("a", 0);
    beat("b", 0);
    assertThat(place(item(10, 1)).queueTokens()).isZero();
  }

  @Test
  void workThatNeverCameIsForgottenWhenTheExecutorIsIdle() {
    start("a");
    place(item(1_000));
    assertThat(place(item(0)).queueTokens()).isEqualTo(1_000);
    for (long waited = 0; waited <= QueueLoad.IDLE_MS; waited += 2_000) {
      nowMs[0] += 2_000;
      beat("a", 0);
    }
    assertThat(place(item(0)).queueTokens()).isZero();
  }

  @Test
  void newPrefixesSpreadByWeightAndStayTogether() {
    start("small", 1);
    start("big", 3);
    List<WorkItem> items = new ArrayList<>();
    for (int prefix = 0; prefix < 100; prefix++) {
      long[] tiles = LongStream.range(1_000 * prefix, 1_000 * prefix + 30).toArray();
      items.add(item(500, tiles));
      items.add(item(500, tiles));
    }
    Map<String, Integer> counts = new HashMap<>();
    List<Placement> placements = coordinator.place(items);
    int together = 0;
    for (int i = 0; i < placements.size(); i++) {
      assertThat(placements.get(i).reason()).isEqualTo(PlacementReason.NEW);
      counts.merge(id(placements.get(i)), 1, Integer::sum);
      together += i % 2 == 1 && id(placements.get(i)).equals(id(placements.get(i - 1))) ? 1 : 0;
    }
    assertThat(counts.get("big")).isBetween(130, 168);
    assertThat(together).isGreaterThan(90);
  }

  @Test
  void noExecutorGetsMoreThanItsBoundHoweverHotAPrefixIs() {
    start("a", "b", "c", "d");
    hold("a", LongStream.range(0, 500).toArray());
    List<WorkItem> items = Collections.nCopies(400, item(100, LongStream.range(0, 500).toArray()));
    Map<String, Long> counts = new HashMap<>();
    coordinator.place(items).forEach(p -> counts.merge(id(p), 1L, Long::sum));
    assertThat(counts.get("a")).as("all of it is resident, at no cost").isEqualTo(400);

    List<WorkItem> dear =
        Collections.nCopies(400, item(10_000, LongStream.range(0, 500).toArray()));
    Map<PlacementReason, Long> reasons = new HashMap<>();
    counts.clear();
    for (Placement p : coordinator.place(dear)) {
      counts.merge(id(p), 1L, Long::sum);
      reasons.merge(p.reason(), 1L, Long::sum);
    }
    assertThat(counts.values()).allMatch(count -> count <= 10_000 * 1.125 * 100 / 2_000 + 1);
    assertThat(reasons).containsOnlyKeys(PlacementReason.RESIDENT, PlacementReason.MOVED_FOR_LOAD);
  }

  @Test
  void anExecutorAboveItsBoundGetsNothingWhateverItHolds() {
    start("a", "b", "c", "d", "e", "f", "g", "h");
    hold("a", LongStream.range(0, 312).toArray());
    beat("a", 48);
    // 4,800 tokens wait at a, which would save 4,992; its bound is 1.125 * (4,800 + 5,000) / 8.
    Placement placement = place(item(5_000, LongStream.range(0, 312).toArray()));
    assertThat(placement.reason()).isEqualTo(PlacementReason.MOVED_FOR_LOAD);
    assertThat(placement.queueTokens()).isZero();
  }

  @Test
  void itemsFollowTheOneThatSharesMostWithThem() {
    start("a", "b");
    List<Placement> placements =
        coordinator.place(List.of(item(1_000, 1, 2, 3), item(1_000, 1, 9), item(100, 1, 2, 3, 4)));
    assertThat(id(placements.get(1))).as("1,000 wait there").isNotEqualTo(id(placements.get(0)));
    assertThat(id(placements.get(2))).isEqualTo(id(placements.get(0)));
  }

  @Test
  void whatIsPlacedStaysPlacedWhenTheExecutorRegistersAgain() {
    start("a");
    place(item(1_000));
    coordinator.register(new Register("a", "host-a", 1, 0));
    assertThat(place(item(0)).queueTokens()).isEqualTo(1_000);
  }

  @Test
  void withoutExecutorsThereIsNoPlace() {
    Placement placement = place(item(1, 1));
    assertThat(placement.executor()).isEmpty();
    assertThat(placement.reason()).isEqualTo(PlacementReason.DEGRADED);
    assertThat(coordinator.stats().placementMode()).isEqualTo(PlacementMode.SCORED);
  }

  @Test
  void oldHeartbeatsSwitchToTheShardMapAndFreshOnesBack() {
    start("a", "b", "c");
    hold("b", 1, 2, 3);
    nowMs[0] += STALE_MS;
    coordinator.tick();
    assertThat(coordinator.stats().placementMode()).isEqualTo(PlacementMode.DEGRADED);
    coordinator.tick();
    assertThat(coordinator.stats().degradedSwitches()).as("once").isEqualTo(1);
    ShardMap map = coordinator.shardMap(ShardMap.groupsFor(3));
    WorkItem work = item(10, 1, 2, 3);
    Placement placement = place(work);
    assertThat(placement.reason()).isEqualTo(PlacementReason.DEGRADED);
    assertThat(placement.tokensSaved()).isZero();
    Shard shard = Shard.ofGroup(Math.floorMod(work.key(), map.groups()));
    assertThat(placement.executor()).isEqualTo(map.executor(shard));
    assertThat(coordinator.stats().placements()).isEqualTo(Map.of(PlacementReason.DEGRADED, 1L));

    executors.keySet().forEach(id -> beat(id, 0));
    Placement again = place(work);
    assertThat(coordinator.stats().placementMode()).isEqualTo(PlacementMode.SCORED);
    assertThat(again.reason()).isEqualTo(PlacementReason.RESIDENT);
    assertThat(id(again)).isEqualTo("b");
  }

  @Test
  void whereOnlyTheHolderIsSilentThatItemAloneGoesByTheMap() {
    start("a", "b", "c");
    hold("b", 1);
    nowMs[0] += STALE_MS;
    beat("a", 0);
    beat("c", 0);
    assertThat(place(item(10, 1)).reason()).isEqualTo(PlacementReason.DEGRADED);
    Placement other = place(item(10, 9));
    assertThat(other.reason()).isEqualTo(PlacementReason.NEW);
    assertThat(id(other)).as("b may be lost").isNotEqualTo("b");
    assertThat(coordinator.stats().placementMode()).isEqualTo(PlacementMode.SCORED);
  }

  @Test
  void byTheMapHotWorkSpreadsToo() {
    start("a", "b", "c", "d");
    nowMs[0] += STALE_MS;
    Map<String, Integer> counts = new HashMap<>();
    coordinator
        .place(Collections.nCopies(400, item(100, 1, 2)))
        .forEach(p -> counts.merge(id(p), 1, Integer::sum));
    assertThat(counts).hasSize(4);
    assertThat(counts.values()).allMatch(count -> count <= 114);
  }

  @Test
  void aLeavingExecutorGetsNoWorkWhileItStillHoldsTiles() {
    start("a", "b", "c");
    hold("b", 1, 2, 3);
    ShardMap before = coordinator.shardMap(30);
    assertThat(coordinator.decommissioning("b")).isTrue();
    assertThat(coordinator.decommissioning("b")).as("no news").isFalse();
    ShardMap after = coordinator.shardMap(30);
    assertThat(ShardMapCheck.moved(before, after)).isEqualTo(before.shardsOf("b"));
    assertThat(after.epoch()).isGreaterThan(before.epoch());
    assertThat(coordinator.newOwners("b"))
        .extracting(Member::executorId)
        .containsExactlyInAnyOrder("a", "c");
    ExecutorReporter b = executor("b");
    Message reply = Messages.decode(coordinator.receive(b.next(ExecutorStats.ZERO)));
    assertThat(reply).isEqualTo(new HeartbeatReply(coordinator.epoch(), false, true));
    assertThat(coordinator.holders(1)).containsExactly("b");
    assertThat(coordinator.stats().leavingExecutors()).isEqualTo(1);
    assertThat(coordinator.stats().aliveExecutors()).isEqualTo(3);
    assertThat(id(place(item(10, 1, 2, 3)))).isNotEqualTo("b");
    coordinator.executorLost("b");
    assertThat(coordinator.holders(1)).isEmpty();
    assertThat(ShardMapCheck.moved(after, coordinator.shardMap(30))).isEmpty();
    assertThat(coordinator.newOwners("b")).as("also when it is gone").hasSize(2);
  }

  @Test
  void whoIsLeavingBeforeItRegistersIsLeavingWhenItDoes() {
    start("a");
    assertThat(coordinator.decommissioning("late")).isTrue();
    start("late");
    assertThat(coordinator.shardMap(10).shardsOf("late")).isEmpty();
    assertThat(coordinator.executor("late").orElseThrow().state())
        .isEqualTo(ExecutorView.State.LEAVING);
    assertThat(coordinator.newOwners("late")).extracting(Member::executorId).containsExactly("a");
    coordinator.decommissioning("a");
    assertThat(coordinator.newOwners("late")).isEmpty();
    assertThat(place(item(1)).executor()).isEmpty();
  }

  @Test
  void anyQueuesAndPrefixesKeepTheBoundAndTheReasonsTrue() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 20; i++) {
      start("e" + i, 1 + random.nextInt(4));
      hold("e" + i, random.longs(30, 0, 60).toArray());
      beat("e" + i, random.nextInt(20));
    }
    for (int call = 0; call < 30; call++) {
      List<WorkItem> items = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        items.add(item(random.nextInt(3_000), random.longs(4, 0, 70).toArray()));
      }
      List<Placement> placements = coordinator.place(items);
      for (int i = 0; i < items.size(); i++) {
        check("seed " + seed + ", call " + call, items.get(i), placements.get(i));
      }
    }
  }

  private void check(String what, WorkItem item, Placement placement) {
    int tiles = 0;
    String id = id(placement);
    while (tiles < item.tiles() && coordinator.holders(item.tile(tiles)).contains(id)) {
      tiles++;
    }
    assertThat(placement.tokensSaved()).as(what).isEqualTo((long) tiles * TILE_TOKENS);
    boolean nobody = coordinator.holders(item.tile(0)).isEmpty();
    assertThat(placement.reason() == PlacementReason.NEW).as(what).isEqualTo(nobody);
    assertThat(placement.reason() == PlacementReason.RESIDENT)
        .as(what)
        .isEqualTo(!nobody && placement.tokensSaved() == placement.mostTokensSaved());
    assertThat(placement.queueTokens())
        .as(what)
        .isGreaterThanOrEqualTo(placement.leastQueueTokens());
  }
}
