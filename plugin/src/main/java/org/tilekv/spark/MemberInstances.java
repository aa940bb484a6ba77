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
package org.tilekv.spark;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.tilekv.engine.HeadShard;

/**
 * Tells members apart that hold the same part of a model in one process at the same time, as tasks
 * of two cells on one executor do. The lowest free number is given out, so that a part that stayed
 * loaded is used again. Thread-safe.
 */
final class MemberInstances {

  private final Map<Part, BitSet> taken = new HashMap<>();

  private record Part(String model, int rank, int shards) {}

  /** A part that nobody else in this process has; to be given back. */
  synchronized HeadShard take(String model, int rank, int shards) {
    BitSet numbers = taken.computeIfAbsent(new Part(model, rank, shards), part -> new BitSet());
    int instance = numbers.nextClearBit(0);
    numbers.set(instance);
    return new HeadShard(rank, shards, instance);
  }

  synchronized void giveBack(String model, HeadShard shard) {
    taken
        .getOrDefault(new Part(model, shard.rank(), shard.shards()), new BitSet())
        .clear(shard.instance());
  }
}
