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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.tilekv.config.TileKvConfig;

/**
 * Random histories of executors that register, report, fall silent, are lost, are decommissioned
 * and come back, over a wire that loses messages. After each step the coordinator's maps, members
 * and directory are checked against each other, and the executors' states against the model.
 */
class CoordinatorModelTest {

  private static final int HISTORIES = 15;
  private static final int STEPS = 250;
  private static final long TIMEOUT_MS = 30_000;

  /** The truth about one executor. */
  private static final class Model {
    final String id;
    final ExecutorReporter reporter;
    final Set<Long> tiles = new TreeSet<>();
    long lastHeardMs;
    boolean leaving;
    boolean registered;

    Model(String id, int cores) {
      this.id = id;
      this.reporter = new ExecutorReporter(new Register(id, "host-" + id, cores, 0));
    }
  }

  private final long[] nowMs = {0};
  private final Set<Long> allTiles = new TreeSet<>();

  @Test
  void anyHistoryLeavesTheCoordinatorWhole() {
    long seed = System.nanoTime();
    long moved = 0;
    long least = 0;
    for (int history = 0; history < HISTORIES; history++) {
      CoordinatorCheck check = run(seed + history);
      moved += check.moved;
      least += check.leastMoved;
    }
    System.out.printf(
        "shards moved in %d steps: %d, least possible %d: %.3f%n",
        HISTORIES * STEPS, moved, least, (double) moved / least);
    assertThat(moved).as("seed %d", seed).isLessThan(least + least / 50);
  }

  private CoordinatorCheck run(long seed) {
    Random random = new Random(seed);
    nowMs[0] = random.nextInt(1000);
    allTiles.clear();
    Coordinator coordinator = new Coordinator(TileKvConfig.defaults(), () -> nowMs[0]);
    CoordinatorCheck check = new CoordinatorCheck(coordinator, 7, 200);
    Map<String, Model> models = new LinkedHashMap<>();
    for (int step = 0; step < STEPS; step++) {
      try {
        act(coordinator, models, random);
        check.check(allTiles);
        checkBelief(coordinator, models);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ", step " + step, e);
      }
    }
    return check;
  }

  private void act(Coordinator coordinator, Map<String, Model> models, Random random) {
    nowMs[0] += random.nextInt(300);
    if (models.isEmpty() || random.nextInt(12) == 0) {
      String id = "e" + random.nextInt(1 << 20);
      models.put(id, new Model(id, 1 + random.nextInt(4)));
    }
    Model model = List.copyOf(models.values()).get(random.nextInt(models.size()));
    switch (random.nextInt(20)) {
      case 0 -> {
        coordinator.executorLost(model.id);
        models.remove(model.id);
      }
      case 1 -> {
        assertThat(coordinator.decommissioning(model.id)).isEqualTo(!model.leaving);
        model.leaving = true;
        assertThat(coordinator.newOwners(model.id))
            .extracting(Member::executorId)
            .isSubsetOf(coordinator.placeableIds());
      }
      case 2 -> {
        nowMs[0] += random.nextInt((int) TIMEOUT_MS);
        coordinator.tick();
      }
      case 3 -> coordinator.place(items(random));
      // The process of an executor starts anew under the same id, knowing nothing.
      case 4 -> {
        Model again = new Model(model.id, 1 + random.nextInt(4));
        again.leaving = model.leaving;
        again.lastHeardMs = model.lastHeardMs;
        models.put(model.id, again);
      }
      case 5 -> model.reporter.next(ExecutorStats.ZERO);
      default -> {
        change(model, random);
        beat(coordinator, model);
      }
    }
  }

  private void change(Model model, Random random) {
    for (int i = random.nextInt(4); i > 0; i--) {
      long tile = random.nextInt(60);
      allTiles.add(tile);
      if (random.nextInt(3) > 0) {
        model.reporter.published(tile);
        model.tiles.add(tile);
      } else {
        model.reporter.dropped(tile);
        model.tiles.remove(tile);
      }
    }
  }

  private void beat(Coordinator coordinator, Model model) {
    ExecutorReporter.Next next = ExecutorReporter.Next.AT_ONCE;
    for (int i = 0; i < 3 && next == ExecutorReporter.Next.AT_ONCE; i++) {
      next = model.reporter.answered(coordinator.receive(model.reporter.next(ExecutorStats.ZERO)));
    }
    assertThat(next).as(model.id).isNotEqualTo(ExecutorReporter.Next.NEVER);
    model.lastHeardMs = nowMs[0];
  }

  /** Who is gone and who is leaving, as the model has it. */
  private void checkBelief(Coordinator coordinator, Map<String, Model> models) {
    for (ExecutorView view : coordinator.executors()) {
      Model model = models.get(view.executorId());
      if (model == null) {
        assertThat(view.state()).isEqualTo(ExecutorView.State.REMOVED);
      } else if (view.alive()) {
        boolean leaving = view.state() == ExecutorView.State.LEAVING;
        assertThat(leaving).as(model.id).isEqualTo(model.leaving);
      }
    }
  }

  private static List<WorkItem> items(Random random) {
    List<WorkItem> items = new ArrayList<>();
    for (int i = random.nextInt(20); i > 0; i--) {
      long first = random.nextInt(60);
      items.add(new WorkItem(new long[] {first, first + 1}, 16, random.nextInt(1000)));
    }
    return items;
  }

  /** After a restart of the driver all comes back from the executors alone. */
  @Test
  void aNewDriverLearnsAllFromTheExecutors() {
    Coordinator before = new Coordinator(TileKvConfig.defaults(), () -> 1_000);
    Map<String, Model> models = new LinkedHashMap<>();
    Random random = new Random(5);
    for (int i = 0; i < 8; i++) {
      Model model = new Model("e" + i, 2);
      models.put(model.id, model);
      for (int change = 0; change < 10; change++) {
        change(model, random);
        beat(before, model);
      }
    }
    before.shardMap(100);
    byte[] late = Objects.requireNonNull(models.get("e0")).reporter.next(ExecutorStats.ZERO);

    Coordinator after = new Coordinator(TileKvConfig.defaults(), () -> 900_000);
    CoordinatorCheck check = new CoordinatorCheck(after, 100);
    // Told once that they are unknown, they register at the next heartbeat and send all they hold.
    for (int round = 0; round < 2; round++) {
      models.values().forEach(model -> beat(after, model));
      check.check(allTiles);
    }
    for (long tile : allTiles) {
      List<String> holders =
          models.values().stream().filter(m -> m.tiles.contains(tile)).map(m -> m.id).toList();
      assertThat(after.holders(tile)).hasSameElementsAs(holders);
    }
    assertThat(after.executors()).extracting(ExecutorView::executorId).hasSize(8);
    assertThat(after.stats().refused())
        .containsOnly(Map.entry(Refused.Reason.UNKNOWN_EXECUTOR, 8L));
    ShardMapCheck.checkBound(after.shardMap(64));
    assertThat(Messages.decode(after.receive(late)))
        .isInstanceOfSatisfying(
            Refused.class, r -> assertThat(r.reason()).isEqualTo(Refused.Reason.STALE_SESSION));
  }
}
