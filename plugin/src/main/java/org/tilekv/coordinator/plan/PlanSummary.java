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
 * What a plan says of its job.
 *
 * @param rows rows
 * @param promptTokens prompt tokens of all rows
 * @param prefixes shared prefixes: those that are some rows' deepest one
 * @param nodes tiles of the tree that the plan knows by name
 * @param groups row groups
 * @param distinctTokens prompt tokens to compute where each prefix is computed once
 * @param repeatedTokens those of prefixes that are split over executors, computed again
 * @param mostOfShare the most that a group costs, in tokens to compute, as a multiple of its share
 *     of the cost of all groups
 */
public record PlanSummary(
    long rows,
    long promptTokens,
    int prefixes,
    int nodes,
    int groups,
    long distinctTokens,
    long repeatedTokens,
    double mostOfShare) {

  /** Prompt tokens that need not be computed. */
  public long savedTokens() {
    return Math.max(0, promptTokens - distinctTokens - repeatedTokens);
  }

  /** Those as a share of all. */
  public double savedShare() {
    return promptTokens == 0 ? 0 : (double) savedTokens() / promptTokens;
  }
}
