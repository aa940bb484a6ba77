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

import java.nio.charset.StandardCharsets;

/**
 * Weighted rendezvous hashing: each pair of member and shard has a cost, an exponential variate
 * with the member's weight as its rate, and the member of least cost wins. A member of weight w
 * wins a share w / W of all shards, and who wins does not depend on members that lose.
 *
 * <p>Source: Schindelhauer and Schomaker, "Weighted distributed hash tables", SPAA 2005 (the
 * logarithmic method).
 */
final class Rendezvous {

  private Rendezvous() {}

  /** Seed of a member, from its id alone: the same in every run. */
  static long seed(Member member) {
    long hash = 0xCBF29CE484222325L;
    for (byte b : member.executorId().getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001B3L;
    }
    return mix(hash);
  }

  /** Cost of a shard at a member; lower is better. */
  static double cost(long seed, double weight, int shard) {
    return -StrictMath.log(uniform(seed, shard)) / weight;
  }

  /**
   * Whether {@link #cost} is certainly not below {@code best}: saves the logarithm, since -ln u is
   * at least 1 - u.
   */
  static boolean cannotBeat(double best, long seed, double weight, int shard) {
    return 1 - uniform(seed, shard) >= best * weight;
  }

  /** In (0, 1). */
  private static double uniform(long seed, int shard) {
    long hash = mix(seed + (shard + 1L) * 0x9E3779B97F4A7C15L);
    return ((hash >>> 11) + 0.5) * 0x1p-53;
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
  static long mix(long z) {
    long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }
}
