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

/**
 * A heap of slots, the one with most load for its weight on top; of equals the lower slot. Confined
 * to one call.
 */
final class FullestFirst {

  private final MemberSlots members;
  private final ShardTable table;
  private final int[] heap;

  /** All slots but one. */
  FullestFirst(MemberSlots members, ShardTable table, int except) {
    this.members = members;
    this.table = table;
    heap = new int[members.size() - 1];
    int size = 0;
    for (int s = members.nextUsed(0); s >= 0; s = members.nextUsed(s + 1)) {
      if (s != except) {
        heap[size++] = s;
      }
    }
    for (int i = size / 2 - 1; i >= 0; i--) {
      sink(i);
    }
  }

  /** The fullest slot, or {@link MemberSlots#NONE}. */
  int top() {
    return heap.length == 0 ? MemberSlots.NONE : heap[0];
  }

  /** The load of the top has gone down. */
  void topLowered() {
    sink(0);
  }

  private void sink(int from) {
    int i = from;
    while (true) {
      int child = 2 * i + 1;
      if (child >= heap.length) {
        return;
      }
      if (child + 1 < heap.length && above(heap[child + 1], heap[child])) {
        child++;
      }
      if (!above(heap[child], heap[i])) {
        return;
      }
      swap(i, child);
      i = child;
    }
  }

  private void swap(int i, int j) {
    int slot = heap[i];
    heap[i] = heap[j];
    heap[j] = slot;
  }

  private boolean above(int a, int b) {
    long left = (long) table.load(a) * weight(b);
    long right = (long) table.load(b) * weight(a);
    return left != right ? left > right : a < b;
  }

  private int weight(int slot) {
    Member member = members.get(slot);
    return member == null ? 1 : member.weight();
  }
}
