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

/**
 * Cuts the line of rows into groups that each cost their share.
 *
 * <p>A cut moves away from where the groups would have just their shares while that saves more than
 * it costs: what it saves is the prefix that both sides would compute, what it costs is the time
 * that the smaller side waits for the larger one, both in tokens. So a prefix is split over groups
 * where its rows cost much more than itself, and a small one stays whole. A group costs at most its
 * share, the longest prefix three times, and one row more.
 */
final class GroupCutter {

  private final RowLine line;

  GroupCutter(RowLine line) {
    this.line = line;
  }

  /**
   * Rows before each cut, ascending, with 0 first and all rows last. Groups may be empty.
   *
   * @param shares at least one
   */
  long[] cut(GroupShares shares) {
    int groups = shares.groups();
    long[] cuts = new long[groups + 1];
    cuts[groups] = line.rows();
    double costOfWeight = (double) line.totalCost() / shares.totalWeight();
    long weight = 0;
    for (int i = 1; i < groups; i++) {
      weight += shares.weights()[i - 1];
      long target = (long) (costOfWeight * weight);
      cuts[i] = line.runs() == 0 ? 0 : Math.max(cuts[i - 1], bestRow(target));
    }
    return cuts;
  }

  private long bestRow(long target) {
    int run = line.runAtCost(target);
    long best = rowInRun(run, target);
    long bestPenalty = penalty(best, target);
    for (int left = run; left > 0 && target - line.costBefore(left) < bestPenalty; left--) {
      long penalty = penalty(line.firstRow(left), target);
      if (penalty < bestPenalty) {
        best = line.firstRow(left);
        bestPenalty = penalty;
      }
    }
    for (int right = run + 1;
        right < line.runs() && line.costBefore(right) - target < bestPenalty;
        right++) {
      long penalty = penalty(line.firstRow(right), target);
      if (penalty < bestPenalty) {
        best = line.firstRow(right);
        bestPenalty = penalty;
      }
    }
    return best;
  }

  /** The row of a run at which the line has cost so much. */
  private long rowInRun(int run, long target) {
    long within = target - line.costBefore(run, 0);
    long runCost = Math.max(1, line.costOf(run, line.rows(run)));
    long offset = Math.round((double) within / runCost * line.rows(run));
    return line.firstRow(run) + Math.max(0, Math.min(line.rows(run), offset));
  }

  private long penalty(long row, long target) {
    int run = Math.min(line.runOf(row), line.runs() - 1);
    long offset = row - line.firstRow(run);
    long cost = offset == 0 ? line.costBefore(run) : line.costBefore(run, offset);
    return Math.abs(cost - target) + line.costOfCut(row);
  }
}
