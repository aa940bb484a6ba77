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
package org.tilekv;

/**
 * One request's tokens and the page-table rows, one per beam, that hold their K and V.
 *
 * <p>Life: {@link KvCache#open} matches the prompt's prefix; then, step by step, {@link #reserve}
 * makes room, the decoder writes K and V through the page table, {@link #commit} says which tokens
 * they belong to. Pages of an open sequence are pinned. A sequence is used by one thread at a time;
 * different sequences of one cache may be used by different threads.
 */
public interface KvSequence extends AutoCloseable {

  /** Positions whose K and V are in place, in every beam; starts at {@link #cachedTokens}. */
  int length();

  /**
   * Leading prompt tokens that were found in the cache when the sequence was opened; below the
   * prompt's length.
   */
  int cachedTokens();

  /** Beams, 1 until {@link #fork}. */
  int beams();

  /** Page-table row of a beam. */
  int row(int beam);

  /**
   * Makes positions up to {@code newLength} writable in every beam, until the next {@link #fork} or
   * {@link #reorder}: allocates pages, copies the shared page that the next position falls into,
   * and replaces shared pages behind it. Where a copy fails, the sequence is closed.
   *
   * @return false when the pool has no room even after eviction; nothing has changed then
   */
  boolean reserve(int newLength);

  /**
   * Declares that K and V of the next {@code count} positions of a beam, {@code
   * tokens[from..from+count)}, have been written, or will be by a step that is queued on a device;
   * by the thread that queued it then. Tiles that became full are published for reuse; one that is
   * there already takes the place of the sequence's own. With several beams every beam commits the
   * same count before {@link #length} moves on.
   */
  void commit(int beam, int[] tokens, int from, int count);

  /**
   * Turns one beam into {@code beams} beams that share all pages.
   *
   * @return false when the page table has no rows left; nothing has changed then
   */
  boolean fork(int beams);

  /** Beam {@code i} continues what beam {@code parents[i]} was; no K or V is copied. */
  void reorder(int[] parents);

  /** Extends the lease. */
  void renewLease();

  /**
   * Closes the sequence, whose tokens will be asked for again: its published tiles are worth saving
   * where a lower tier takes what leaves the pool.
   */
  default void setAside() {
    close();
  }

  /**
   * Gives the pages back, last ones first; published tiles stay for reuse. Closing twice does
   * nothing.
   */
  @Override
  void close();
}
