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

import java.util.Collection;
import org.jspecify.annotations.Nullable;
import org.tilekv.EvictionOrder;
import org.tilekv.EvictionReason;
import org.tilekv.prefix.TileGroup;

/**
 * Orders the named tile groups that no row uses. Confined to the cache's lock. A policy never names
 * a group that another resident group continues.
 */
interface EvictionPolicy {

  static EvictionPolicy of(EvictionOrder order) {
    return order == EvictionOrder.PLAN ? new PlanPolicy() : new LruPolicy();
  }

  /** A group lost its last user. */
  void add(TileGroup group);

  /** A group is used again, or was dropped. */
  void remove(TileGroup group);

  /** The group to drop next, or null where there is none. It stays until it is removed. */
  @Nullable TileGroup victim();

  /** Why {@link #victim} has named a group. */
  default EvictionReason reason(TileGroup victim) {
    return EvictionReason.LEAST_RECENT;
  }

  /** A group that continued this one was dropped. */
  default void exposed(TileGroup group) {}

  /** Groups that could be dropped. */
  int size();

  /** The future of a task becomes known. */
  default void open(PlanFuture future) {}

  /** A task has come further; nothing where its future has ended. */
  default void reached(PlanFuture future, int position) {}

  /**
   * A sequence has all of its prompt in place.
   *
   * @param last the last full tile of the prompt, which has a name
   */
  default void promptHeld(TileGroup last) {}

  /** A future ends; nothing where it has ended. */
  default void close(PlanFuture future) {}

  /**
   * Verifies the order.
   *
   * @param unused all named groups that no row uses
   * @throws IllegalStateException naming the first disagreement
   */
  default void checkIntegrity(Collection<TileGroup> unused) {}
}
