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
package org.tilekv.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.tilekv.BatchPlan;
import org.tilekv.EvictionReason;
import org.tilekv.prefix.Namespace;
import org.tilekv.prefix.PrefixIndex;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/**
 * A tree of groups beside a policy, and what the policy should say: found by looking at all groups
 * and all uses each time.
 */
final class PlanPolicyOracle {

  private static final TileName ROOT = TileName.root(Namespace.builder().build(), null);

  /** A plan as plain lists. */
  private static final class Plan {
    final PlanFuture future;
    final Map<Long, int[]> uses;
    final Set<Integer> held = new TreeSet<>();
    int reached;
    double pace;

    Plan(PlanFuture future, Map<Long, int[]> uses) {
      this.future = future;
      this.uses = uses;
    }

    int nextUse(TileGroup group) {
      return Arrays.stream(uses.getOrDefault(name(group), new int[0]))
          .filter(position -> position >= reached && !held.contains(position))
          .findFirst()
          .orElse(-1);
    }

    double distance(TileGroup group) {
      int next = nextUse(group);
      long heldAhead = held.stream().filter(position -> position >= reached).count();
      return next < 0
          ? Double.POSITIVE_INFINITY
          : (next - reached - heldAhead) / Math.max(pace, 1.0 / 1024);
    }
  }

  final PlanPolicy policy = new PlanPolicy();
  final Map<EvictionReason, Integer> reasons = new EnumMap<>(EvictionReason.class);
  private final PrefixIndex index = new PrefixIndex(8);
  private final List<TileGroup> live = new ArrayList<>();
  // Least recently used first.
  private final Set<TileGroup> unused = new LinkedHashSet<>();
  private final List<Plan> plans = new ArrayList<>();
  private int tokens;

  private static long name(TileGroup group) {
    return Objects.requireNonNull(group.name()).chain().shortName();
  }

  /** A group that is in use. */
  TileGroup inUse(@Nullable TileGroup parent) {
    TileGroup group = new TileGroup(new int[] {0});
    int[] content = {tokens++};
    TileName before = parent == null ? ROOT : Objects.requireNonNull(parent.name());
    index.publish(group, before.child(content, 0, 1), ROOT, parent, content);
    live.add(group);
    return group;
  }

  /** A group that could be dropped. */
  TileGroup unused(@Nullable TileGroup parent) {
    TileGroup group = inUse(parent);
    release(group);
    return group;
  }

  Collection<TileGroup> unused() {
    return unused;
  }

  private void release(TileGroup group) {
    unused.add(group);
    policy.add(group);
  }

  /** As the cache drops a victim. */
  void drop(TileGroup group) {
    TileGroup parent = group.parent();
    policy.remove(group);
    unused.remove(group);
    live.remove(group);
    index.drop(group);
    policy.exposed(Objects.requireNonNull(parent));
  }

  PlanFuture open(int[][] uses, TileGroup... groups) {
    long[] names = Arrays.stream(groups).mapToLong(PlanPolicyOracle::name).toArray();
    Map<Long, int[]> byName = new HashMap<>();
    for (int i = 0; i < names.length; i++) {
      byName.put(names[i], uses[i]);
    }
    Plan plan = new Plan(new PlanFuture(new BatchPlan(names, uses)), byName);
    plans.add(plan);
    for (Plan each : plans) {
      each.pace = each == plan ? 1.0 / plans.size() : each.pace * (plans.size() - 1) / plans.size();
    }
    policy.open(plan.future);
    return plan.future;
  }

  /** One random change. */
  void step(Random random, int groups) {
    int choice = random.nextInt(100);
    if (live.isEmpty() || choice < 15 && live.size() < groups) {
      unusedLine(random);
    } else if (choice < 35) {
      useAgain(live.get(random.nextInt(live.size())));
    } else if (choice < 50) {
      dropVictim();
    } else if (choice < 54 && plans.size() < 4) {
      openRandom(random);
    } else if (choice < 57 && !plans.isEmpty()) {
      policy.close(plans.remove(random.nextInt(plans.size())).future);
    } else if (choice < 80 && !plans.isEmpty()) {
      reach(plans.get(random.nextInt(plans.size())), random.nextInt(4));
    } else if (!plans.isEmpty()) {
      hold(live.get(random.nextInt(live.size())));
    }
  }

  /** A line of new groups behind an old one, all used and given back, last one first. */
  private void unusedLine(Random random) {
    TileGroup last = live.isEmpty() ? null : live.get(random.nextInt(live.size()));
    for (int i = random.nextInt(3); i >= 0; i--) {
      last = inUse(last == null || random.nextInt(4) == 0 ? null : last);
    }
    useAgain(Objects.requireNonNull(last));
  }

  /** A sequence takes a group with all that it continues, and gives them back. */
  private void useAgain(TileGroup last) {
    List<TileGroup> path = new ArrayList<>();
    TileGroup group = last;
    while (group != null && group.named()) {
      path.add(group);
      if (unused.remove(group)) {
        policy.remove(group);
      }
      group = group.parent();
    }
    path.forEach(this::release);
  }

  private void dropVictim() {
    TileGroup victim = policy.victim();
    if (victim != null) {
      reasons.merge(policy.reason(victim), 1, Integer::sum);
      drop(victim);
    }
  }

  /** Uses that have nothing to do with the tree, so that any plan occurs. */
  private void openRandom(Random random) {
    TileGroup[] named = live.stream().filter(g -> random.nextInt(3) > 0).toArray(TileGroup[]::new);
    int[][] uses = new int[named.length][];
    int rows = 1 + random.nextInt(60);
    Arrays.setAll(uses, i -> random.ints(random.nextInt(5), 0, rows).sorted().distinct().toArray());
    open(uses, named);
  }

  private void reach(Plan plan, int rows) {
    policy.reached(plan.future, plan.reached + rows - 1);
    plan.reached = Math.max(plan.reached, plan.reached + rows - 1);
  }

  private void hold(TileGroup last) {
    Plan first = nearest(last);
    if (first != null) {
      first.held.add(first.nextUse(last));
      plans.forEach(plan -> plan.pace += ((plan == first ? 1 : 0) - plan.pace) / 128);
    }
    policy.promptHeld(last);
  }

  private @Nullable Plan nearest(TileGroup group) {
    Plan nearest = null;
    for (Plan plan : plans) {
      if (plan.nextUse(group) >= 0
          && (nearest == null || plan.distance(group) < nearest.distance(group))) {
        nearest = plan;
      }
    }
    return nearest;
  }

  /** Compares the policy's victim with what a search through everything finds. */
  void requireVictim() {
    assertThat(policy.size()).isEqualTo(unused.size());
    List<TileGroup> leaves = unused.stream().filter(group -> !group.hasChildren()).toList();
    TileGroup victim = policy.victim();
    if (leaves.isEmpty()) {
      assertThat(victim).isNull();
      return;
    }
    assertThat(leaves).contains(Objects.requireNonNull(victim));
    for (TileGroup leaf : leaves) {
      if (nearest(leaf) == null) {
        assertThat(victim).as("the least recent of those that no row needs").isSameAs(leaf);
        return;
      }
    }
    double furthest = leaves.stream().mapToDouble(this::distance).max().orElseThrow();
    assertThat(distance(victim)).isEqualTo(furthest);
    assertThat(policy.reason(victim)).isEqualTo(EvictionReason.FURTHEST_USE);
  }

  private double distance(TileGroup group) {
    return plans.stream()
        .mapToDouble(plan -> plan.distance(group))
        .min()
        .orElse(Double.POSITIVE_INFINITY);
  }
}
