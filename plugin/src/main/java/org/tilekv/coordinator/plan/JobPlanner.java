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
  public record Planned(JobPlan plan, PlanSummary summary, int[] executorOfGroup) {}

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
   * computed on two executors.
   *
   * @param groupsOfExecutor how many groups of equal cost each executor is to get; at least one in
   *     all
   */
  public Planned plan(int[] groupsOfExecutor) {
    int[] executorOfCut = executorOfEach(groupsOfExecutor);
    long[] cuts = new GroupCutter(line).cut(executorOfCut.length);
    int[] used =
        IntStream.range(0, executorOfCut.length).filter(i -> cuts[i] < cuts[i + 1]).toArray();
    int[] executorOfGroup = Arrays.stream(used).map(i -> executorOfCut[i]).toArray();
    long repeated = 0;
    for (int group = 1; group < used.length; group++) {
      if (executorOfGroup[group - 1] != executorOfGroup[group]) {
        repeated += line.costOfCut(cuts[used[group]]);
      }
    }
    long[] costs = Arrays.stream(used).mapToLong(i -> line.cost(cuts[i], cuts[i + 1])).toArray();
    PlanSummary summary =
        new PlanSummary(
            rows(),
            promptTokens(),
            (int) IntStream.range(1, tree.size()).filter(n -> tree.ownRows(n) > 0).count(),
            tree.size() - 1,
            used.length,
            distinctTokens(),
            repeated,
            Arrays.stream(costs).max().orElse(0),
            (long) Arrays.stream(costs).average().orElse(0));
    return new Planned(toPlan(cuts, used), summary, executorOfGroup);
  }

  private static int[] executorOfEach(int[] groupsOfExecutor) {
    return IntStream.range(0, groupsOfExecutor.length)
        .flatMap(executor -> IntStream.range(0, groupsOfExecutor[executor]).map(i -> executor))
        .toArray();
  }

  /** The runs of the line, cut where groups begin. */
  private JobPlan toPlan(long[] cuts, int[] used) {
    int most = line.runs() + used.length;
    int[] runNodes = new int[most];
    int[] runGroups = new int[most];
    long[] runRows = new long[most];
    int count = 0;
    for (int group = 0; group < used.length; group++) {
      long end = cuts[used[group] + 1];
      for (long row = cuts[used[group]]; row < end; row += runRows[count++]) {
        int run = line.runOf(row);
        runNodes[count] = line.node(run);
        runGroups[count] = group;
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
