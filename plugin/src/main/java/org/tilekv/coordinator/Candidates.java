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

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Executors that work may be placed on and what waits there, in arrays, since each work item is
 * compared with all of them. A snapshot; confined to one call.
 */
final class Candidates {

  /** One executor and the tokens that wait there. */
  record Candidate(Member member, long queueTokens) {}

  static final int NONE = -1;

  private final Member[] members;
  private final Map<String, Integer> indexById = new HashMap<>();
  final long[] seeds;
  final int[] weights;
  final long[] queueTokens;
  final long[] placedTokens;

  Candidates(List<Candidate> candidates) {
    int count = candidates.size();
    members = candidates.stream().map(Candidate::member).toArray(Member[]::new);
    seeds = new long[count];
    weights = new int[count];
    queueTokens = new long[count];
    placedTokens = new long[count];
    for (int i = 0; i < count; i++) {
      seeds[i] = Rendezvous.seed(members[i]);
      weights[i] = members[i].weight();
      queueTokens[i] = candidates.get(i).queueTokens();
      indexById.put(members[i].executorId(), i);
    }
  }

  int size() {
    return members.length;
  }

  Member member(int index) {
    return members[index];
  }

  /** Of an executor, or {@link #NONE}. */
  int indexOf(String executorId) {
    return indexById.getOrDefault(executorId, NONE);
  }

  /** Work goes there. */
  void take(int index, long tokens) {
    queueTokens[index] += tokens;
    placedTokens[index] += tokens;
  }

  long totalQueueTokens() {
    long total = 0;
    for (long tokens : queueTokens) {
      total += tokens;
    }
    return total;
  }

  double totalWeight() {
    double total = 0;
    for (int weight : weights) {
      total += weight;
    }
    return total;
  }

  /** Tokens placed in this call, by executor. */
  Map<String, Long> placedTokens() {
    Map<String, Long> placed = new HashMap<>();
    for (int i = 0; i < members.length; i++) {
      if (placedTokens[i] > 0) {
        placed.put(members[i].executorId(), placedTokens[i]);
      }
    }
    return placed;
  }
}
