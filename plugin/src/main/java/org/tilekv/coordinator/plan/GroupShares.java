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

/**
 * How a line of rows is to be cut: groups along the line, each with its executor and its weight. A
 * group's share is its weight among all weights.
 *
 * @param executors the executor of each group, ascending
 * @param weights at least 1; of one executor's groups the largest come first
 */
public record GroupShares(int[] executors, int[] weights) {

  /** Below twice so many rows to a core there is one group for each core, and no group has less. */
  static final int LEAST_ROWS = 64;

  /** No group has more rows: what a lost task costs stays bounded. */
  static final int MOST_ROWS = 10_000;

  /**
   * How often the last piece of a core is halved: few times, since a group's end leaves its core
   * with less than a full batch.
   */
  static final int MOST_HALVINGS = 3;

  public GroupShares {
    if (executors.length != weights.length
        || Arrays.stream(weights).anyMatch(weight -> weight < 1)) {
      throw new IllegalArgumentException(
          "weights are "
              + Arrays.toString(weights)
              + " of "
              + executors.length
              + " groups; each group must have one of at least 1");
    }
  }

  /** So many groups of equal weight for each executor. */
  public static GroupShares equal(int... groupsOfExecutor) {
    int[] executors =
        IntStream.range(0, groupsOfExecutor.length)
            .flatMap(executor -> repeat(executor, groupsOfExecutor[executor]))
            .toArray();
    return new GroupShares(executors, repeat(1, executors.length).toArray());
  }

  /**
   * The same part for each core, as groups that get smaller: whoever is done early takes a small
   * one of another executor, and all end at about the same time.
   */
  public static GroupShares ofCores(int[] coresOfExecutor, long rows) {
    long cores = Math.max(1, Arrays.stream(coresOfExecutor).sum());
    int[] ofCore = weightsOfCore(rows / cores);
    int[] executors =
        IntStream.range(0, coresOfExecutor.length)
            .flatMap(executor -> repeat(executor, coresOfExecutor[executor] * ofCore.length))
            .toArray();
    int[] weights =
        IntStream.of(coresOfExecutor)
            .flatMap(n -> IntStream.of(ofCore).flatMap(weight -> repeat(weight, n)))
            .toArray();
    return new GroupShares(executors, weights);
  }

  private static IntStream repeat(int value, int times) {
    return IntStream.range(0, times).map(i -> value);
  }

  /** Equal pieces, at least two; the last one halved again and again: 8 4 2 1 1. */
  static int[] weightsOfCore(long rows) {
    if (rows < 2 * LEAST_ROWS) {
      return new int[] {1};
    }
    int pieces = Math.toIntExact(Math.max(2, (rows + MOST_ROWS - 1) / MOST_ROWS));
    int halvings = 0;
    while (halvings < MOST_HALVINGS && (rows / pieces) >> (halvings + 1) >= LEAST_ROWS) {
      halvings++;
    }
    int[] weights = new int[pieces + halvings];
    Arrays.fill(weights, 1 << halvings);
    for (int i = 1; i <= halvings; i++) {
      weights[pieces - 2 + i] = 1 << (halvings - i);
    }
    weights[weights.length - 1] = 1;
    return weights;
  }

  int groups() {
    return weights.length;
  }

  long totalWeight() {
    return Arrays.stream(weights).asLongStream().sum();
  }
}
