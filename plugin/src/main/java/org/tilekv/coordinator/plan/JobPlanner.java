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
package org.tilekv.coordinator.plan;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Makes the plan of one job from the counted nodes of all its rows. Confined to one thread. */
public final class JobPlanner {

  private final PlanCost cost;
  private final PrefixTree tree;
  private final RowLine line;

  /** Takes the nodes of all partitions, added up. */
  public JobPlanner(NodeTable nodes, PlanCost cost) {
    this.cost = cost;
    tree = PrefixTree.of(nodes);
    line = new RowLine(tree, cost);
  }

  /** A plan, and what there is to say of it. */
  public record Planned(
      JobPlan plan, PlanSummary summary, int[] executorOfGroup, int[] weightOfGroup) {}

  /** Rows counted. */
  public long rows() {
    return line.rows();
  }

  /**
   * Prompt tokens to compute where each prefix is computed once: nothing is shared where they are
   * all prompt tokens.
   */
  public long distinctTokens() {
    long tokens = 0;
    for (int node = 0; node < tree.size(); node++) {
      tokens += cost.ofTiles(tree.tiles(node));
      if (tree.ownRows(node) > 0) {
        tokens += cost.ownTokens(tree.ownRows(node), tree.ownTokens(node), tree.depth(node));
      }
    }
    return tokens;
  }

  /** Prompt tokens of all rows. */
  public long promptTokens() {
    return IntStream.range(0, tree.size()).mapToLong(tree::ownTokens).sum();
  }

  /**
   * Cuts the rows into groups. Each executor gets neighbouring ones, so that few prefixes are
   * computed on two executors. Groups are numbered by weight, the largest first, which is the order
   * in which they should start; those of one weight along the line.
   *
   * @param shares at least one; a group that would be empty is left out
   */
  public Planned plan(GroupShares shares) {
    long[] cuts = new GroupCutter(line).cut(shares);
    int[] used = IntStream.range(0, shares.groups()).filter(i -> cuts[i] < cuts[i + 1]).toArray();
    int[] ordered =
        Arrays.stream(used)
            .boxed()
            .sorted(Comparator.comparingInt(i -> -shares.weights()[i]))
            .mapToInt(i -> i)
            .toArray();
    int[] groupOfCut = new int[shares.groups()];
    for (int group = 0; group < ordered.length; group++) {
      groupOfCut[ordered[group]] = group;
    }
    return new Planned(
        toPlan(cuts, used, groupOfCut),
        summary(cuts, used, shares),
        Arrays.stream(ordered).map(i -> shares.executors()[i]).toArray(),
        Arrays.stream(ordered).map(i -> shares.weights()[i]).toArray());
  }

  private PlanSummary summary(long[] cuts, int[] used, GroupShares shares) {
    long repeated = 0;
    for (int i = 1; i < used.length; i++) {
      if (shares.executors()[used[i - 1]] != shares.executors()[used[i]]) {
        repeated += line.costOfCut(cuts[used[i]]);
      }
    }
    long cost = 0;
    long weight = 0;
    double mostOfWeight = 0;
    for (int i : used) {
      long own = line.cost(cuts[i], cuts[i + 1]);
      cost += own;
      weight += shares.weights()[i];
      mostOfWeight = Math.max(mostOfWeight, (double) own / shares.weights()[i]);
    }
    return new PlanSummary(
        rows(),
        promptTokens(),
        (int) IntStream.range(1, tree.size()).filter(n -> tree.ownRows(n) > 0).count(),
        tree.size() - 1,
        used.length,
        distinctTokens(),
        repeated,
        cost == 0 ? 0 : mostOfWeight * weight / cost);
  }

  /** The runs of the line, cut where groups begin. */
  private JobPlan toPlan(long[] cuts, int[] used, int[] groupOfCut) {
    int most = line.runs() + used.length;
    int[] runNodes = new int[most];
    int[] runGroups = new int[most];
    long[] runRows = new long[most];
    int count = 0;
    for (int cut : used) {
      long end = cuts[cut + 1];
      for (long row = cuts[cut]; row < end; row += runRows[count++]) {
        int run = line.runOf(row);
        runNodes[count] = line.node(run);
        runGroups[count] = groupOfCut[cut];
        runRows[count] = Math.min(end, line.firstRow(run) + line.rows(run)) - row;
      }
    }
    return new JobPlan(
        used.length,
        PlanNodes.of(tree),
        Arrays.copyOf(runNodes, count),
        Arrays.copyOf(runGroups, count),
        Arrays.copyOf(runRows, count));
  }
}
