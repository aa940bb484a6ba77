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

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Which group each row belongs to, and its place there. Immutable; {@link #encode} takes it to the
 * executors.
 *
 * <p>The rows of a group come in runs: rows that have the same deepest prefix. Runs are numbered
 * through all groups in the order of the tree. The rows of a prefix that is split are spread over
 * its runs by a rank that each row brings: what a row is told depends on the row alone, so that a
 * retried task tells the same.
 */
public final class JobPlan {

  private final int groups;
  private final PlanNodes nodes;
  private final int[] runNodes;
  private final int[] runGroups;
  private final long[] runRows;
  private final int[] firstRunOfNode;

  JobPlan(int groups, PlanNodes nodes, int[] runNodes, int[] runGroups, long[] runRows) {
    this.groups = groups;
    this.nodes = nodes;
    this.runNodes = runNodes;
    this.runGroups = runGroups;
    this.runRows = runRows;
    firstRunOfNode = new int[nodes.size() + 1];
    int run = 0;
    for (int node = 0; node <= nodes.size(); node++) {
      while (run < runNodes.length && runNodes[run] < node) {
        run++;
      }
      firstRunOfNode[node] = run;
    }
  }

  /** Groups, numbered from 0. */
  public int groups() {
    return groups;
  }

  public int runs() {
    return runNodes.length;
  }

  /** The group of a run. */
  public int group(int run) {
    return runGroups[run];
  }

  /** Rows that a run is expected to have. */
  public long rows(int run) {
    return runRows[run];
  }

  /**
   * The run of a row.
   *
   * @param path names of the row's full tiles
   * @param rank of the row among those of equal prompts, which it spreads; asked for where needed
   */
  public int run(long[] path, LongSupplier rank) {
    int node = nodes.deepest(path);
    int first = firstRunOfNode[node];
    int end = firstRunOfNode[node + 1];
    if (first == end) {
      return Math.min(first, runs() - 1);
    }
    if (end - first == 1) {
      return first;
    }
    int depth = nodes.depth(node);
    return byRank(first, end, depth < path.length ? path[depth] : rank.getAsLong());
  }

  /** Rows that share more than the plan knows have the same rank, and so stay together. */
  private int byRank(int first, int end, long rank) {
    double all = 0;
    for (int run = first; run < end; run++) {
      all += runRows[run];
    }
    double place = (rank >>> 11) * 0x1p-53 * all;
    int run = first;
    while (run + 1 < end && place >= runRows[run]) {
      place -= runRows[run++];
    }
    return run;
  }

  /** The runs of a group, in order. */
  public List<Integer> runsOf(int group) {
    List<Integer> runs = new ArrayList<>();
    for (int run = 0; run < runs(); run++) {
      if (runGroups[run] == group) {
        runs.add(run);
      }
    }
    return runs;
  }

  /** Names of a run's known tiles, the first one first. */
  public long[] tileNames(int run) {
    return nodes.path(runNodes[run]);
  }

  /**
   * For each group the names of the known tiles of one prefix, the first one first: that of the run
   * whose rows have most tiles in common, all together. Empty where its rows share nothing.
   */
  public List<long[]> mostSharedPaths() {
    int[] runOfGroup = new int[groups];
    long[] most = new long[groups];
    for (int run = 0; run < runs(); run++) {
      long shared = runRows[run] * nodes.depth(runNodes[run]);
      if (shared > most[runGroups[run]]) {
        most[runGroups[run]] = shared;
        runOfGroup[runGroups[run]] = run;
      }
    }
    List<long[]> paths = new ArrayList<>(groups);
    for (int group = 0; group < groups; group++) {
      paths.add(most[group] == 0 ? new long[0] : tileNames(runOfGroup[group]));
    }
    return paths;
  }

  /** The plan as bytes. */
  public byte[] encode() {
    NodeBytes out = new NodeBytes();
    out.writeNumber(groups);
    nodes.write(out);
    out.writeNumber(runs());
    for (int run = 0; run < runs(); run++) {
      out.writeNumber(runNodes[run]);
      out.writeNumber(runGroups[run]);
      out.writeNumber(runRows[run]);
    }
    return out.toByteArray();
  }

  /** Reads what {@link #encode} gave. */
  public static JobPlan decode(byte[] bytes) {
    NodeBytes in = new NodeBytes(bytes);
    int groups = in.readInt();
    PlanNodes nodes = PlanNodes.read(in);
    int runs = in.readInt();
    int[] runNodes = new int[runs];
    int[] runGroups = new int[runs];
    long[] runRows = new long[runs];
    for (int run = 0; run < runs; run++) {
      runNodes[run] = in.readInt();
      runGroups[run] = in.readInt();
      runRows[run] = in.readNumber();
    }
    return new JobPlan(groups, nodes, runNodes, runGroups, runRows);
  }
}
