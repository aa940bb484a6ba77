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

import org.jspecify.annotations.Nullable;

/** One executor's cache of KV tiles: prefix reuse, sharing and eviction. Thread-safe. */
public interface KvCache extends AutoCloseable {

  TileGeometry geometry();

  /**
   * Opens a sequence and takes over the longest resident prefix of its prompt, at most all but the
   * last token: full tiles are shared; of one more tile the leading slots that agree are copied.
   *
   * @return null when the page table has no free row
   */
  @Nullable KvSequence open(SequenceRequest request);

  /**
   * Looks without taking anything: what is resident and what open sequences are about to publish.
   * Nothing is counted.
   */
  PrefixProbe probe(SequenceRequest request);

  /**
   * Opens the known future of a task: while it is open, a cache that evicts by plan drops what no
   * open plan needs first, then what is needed furthest away. Several plans may be open at once.
   * Takes time and memory in proportion to the plan's tiles.
   *
   * @return to be told how far the rows have come, and to be closed by the caller
   */
  PlannedRows plan(BatchPlan plan);

  /** Pages that could be handed out now: free ones and unpinned resident ones. */
  int availablePages();

  /** Whether tiles are being loaded: they hold pages that come free again without a row's end. */
  default boolean loading() {
    return false;
  }

  /**
   * Closes every open sequence of an owner; returns how many there were. Their pages may be handed
   * out at once: no step that reads or writes them may be running.
   */
  int releaseOwner(long owner);

  /**
   * Closes sequences whose lease ended before now; returns how many there were. As with {@link
   * #releaseOwner}, no step with their pages may be running.
   */
  int expireLeases();

  /** Drops all unpinned tiles; returns how many pages became free. */
  int clear();

  CacheStats stats();

  /**
   * Verifies the whole bookkeeping: free, resident and pinned pages add up, every table entry
   * points to a live page with the right count, every index entry to the tile it names.
   *
   * @throws IllegalStateException naming the first disagreement
   */
  void checkIntegrity();

  /** Closes open sequences and gives all memory back. */
  @Override
  void close();

  /**
   * Answer of {@link #probe}.
   *
   * @param residentTokens what {@link #open} would find now
   * @param promisedTokens what it would find once the open sequences have computed the full tiles
   *     of their prompts; at least {@code residentTokens}
   */
  record PrefixProbe(int residentTokens, int promisedTokens) {}
}
