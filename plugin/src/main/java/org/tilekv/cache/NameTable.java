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
package org.tilekv.cache;

import org.tilekv.BatchPlan;

/**
 * Finds a plan's tiles by name: open addressing, half full. Short names are bits of a SHA-256, so
 * that their low ones are as good as a hash of them.
 */
final class NameTable {

  private final BatchPlan plan;
  // Number of a tile plus one; 0 where there is none.
  private final int[] slots;

  NameTable(BatchPlan plan) {
    this.plan = plan;
    slots = new int[Math.max(2, Integer.highestOneBit(Math.max(1, plan.tiles())) << 2)];
    for (int tile = 0; tile < plan.tiles(); tile++) {
      slots[slotOf(plan.tileName(tile))] = tile + 1;
    }
  }

  /** Number of the tile of this name in the plan, or -1. */
  int find(long name) {
    return slots[slotOf(name)] - 1;
  }

  private int slotOf(long name) {
    int slot = (int) name & slots.length - 1;
    while (slots[slot] != 0 && plan.tileName(slots[slot] - 1) != name) {
      slot = slot + 1 & slots.length - 1;
    }
    return slot;
  }
}
