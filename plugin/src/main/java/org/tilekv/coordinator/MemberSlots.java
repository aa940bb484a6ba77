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

import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Numbers the members of now, so that maps hold a number per shard. A member keeps its slot while
 * it is there; the lowest free slot is given out next. Guarded by the coordinator's lock.
 */
final class MemberSlots {

  static final int NONE = -1;

  private final Map<String, Integer> slotById = new HashMap<>();
  private final BitSet used = new BitSet();
  private @Nullable Member[] bySlot = new Member[16];
  private long[] seeds = new long[16];
  private long totalWeight;

  /** Members that are there. */
  int size() {
    return slotById.size();
  }

  List<String> ids() {
    return List.copyOf(slotById.keySet());
  }

  /** Slots given out so far: every slot is below. */
  int limit() {
    return used.length();
  }

  long totalWeight() {
    return totalWeight;
  }

  /** The member's slot or {@link #NONE}. */
  int slotOf(String executorId) {
    return slotById.getOrDefault(executorId, NONE);
  }

  @Nullable Member get(int slot) {
    return bySlot[slot];
  }

  /** The slot's {@link Rendezvous#seed}. */
  long seed(int slot) {
    return seeds[slot];
  }

  int nextUsed(int fromSlot) {
    return used.nextSetBit(fromSlot);
  }

  /** Takes a member in, or in the place of the one of the same id; returns its slot. */
  int put(Member member) {
    int slot = slotOf(member.executorId());
    if (slot == NONE) {
      slot = used.nextClearBit(0);
      grow(slot);
    }
    Member before = bySlot[slot];
    totalWeight += member.weight() - (before == null ? 0 : before.weight());
    bySlot[slot] = member;
    seeds[slot] = Rendezvous.seed(member);
    used.set(slot);
    slotById.put(member.executorId(), slot);
    return slot;
  }

  void remove(Collection<String> executorIds) {
    for (String id : executorIds) {
      Integer slot = slotById.remove(id);
      Member member = slot == null ? null : bySlot[slot];
      if (slot != null && member != null) {
        totalWeight -= member.weight();
        bySlot[slot] = null;
        used.clear(slot);
      }
    }
  }

  private void grow(int slot) {
    if (slot >= bySlot.length) {
      bySlot = Arrays.copyOf(bySlot, 2 * bySlot.length);
      seeds = Arrays.copyOf(seeds, 2 * seeds.length);
    }
  }

  /** Members by slot as they are now, with null at free slots. */
  @Nullable Member[] snapshot() {
    return Arrays.copyOf(bySlot, limit());
  }
}
