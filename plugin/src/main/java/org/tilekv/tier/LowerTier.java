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
package org.tilekv.tier;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tier below the page pool: groups by chain hash, least recently used out first. A group's bytes
 * are the tiles of its heads one behind the other, {@code heads * tileBytes}, in the form of {@link
 * org.tilekv.TileGeometry}.
 *
 * <p>Safe for any number of threads. Nothing here fails because of storage: a tier that cannot
 * serve says false or null and counts why. {@link #put}, {@link #fill}, {@link #get}, {@link #peek}
 * and {@link #describe} may block on I/O; the other calls do bookkeeping only. After {@link #close}
 * every call says false, null, or that there is nothing.
 */
public interface LowerTier extends AutoCloseable {

  /** Whether a group is there; no I/O, no effect on the order of use. */
  boolean contains(GroupKey key);

  /** Says that a group was wanted, be it here or not: admission learns from it. No I/O. */
  default void asked(GroupKey key) {}

  /**
   * Whether a put of a group that is not here would be let in; to be asked once before its bytes
   * are fetched, admission learns from it. No I/O.
   */
  default boolean admits(GroupKey key, Reuse reuse) {
    return true;
  }

  /** {@link #put(GroupMeta, ByteBuffer, Reuse)} of a group whose future is not known. */
  default boolean put(GroupMeta meta, ByteBuffer bytes) {
    return put(meta, bytes, Reuse.UNKNOWN);
  }

  /**
   * Stores a group, or makes it the most recently used if it is there already.
   *
   * @param bytes exactly {@link #groupBytes} bytes between position and limit, which do not change;
   *     the caller's again on return
   * @return whether the group is there, whole, for every later get. False: refused by admission, no
   *     room because all is in use, failing, or being written by another thread
   */
  boolean put(GroupMeta meta, ByteBuffer bytes, Reuse reuse);

  /**
   * Reads a group into {@code dst} from its position on, which does not change; at least {@link
   * #groupBytes} bytes must remain. Null is a miss, and {@code dst} is undefined then. A group in
   * any doubt is a miss, dropped and counted.
   */
  @Nullable GroupMeta get(GroupKey key, ByteBuffer dst);

  /** As {@link #get}, without an effect on the order of use, on admission and on what is where. */
  @Nullable GroupMeta peek(GroupKey key, ByteBuffer dst);

  /**
   * As {@link #put}, where no other group has to go for it.
   *
   * @return whether the group is there; false also where there is no room left
   */
  boolean fill(GroupMeta meta, ByteBuffer bytes);

  /** A group's bytes where they are; they stay there, and stay the same, until it is closed. */
  interface HeldGroup extends AutoCloseable {

    GroupMeta meta();

    /** {@link #groupBytes} bytes from the position on; read-only. */
    ByteBuffer bytes();

    @Override
    void close();
  }

  /**
   * Holds a group in memory, without a copy; counts as a read. Null is a miss, and what a tier says
   * that has its bytes elsewhere: {@link #get} reads them then.
   */
  default @Nullable HeldGroup hold(GroupKey key) {
    return null;
  }

  /** Names of all groups now, in no order; those that come and go meanwhile may be missing. */
  List<GroupKey> keys();

  /**
   * What a group is, without its bytes; no effect on the order of use. May block on I/O. Null where
   * it is not there, or cannot be read.
   */
  @Nullable GroupMeta describe(GroupKey key);

  /** Drops a group; false where there was none. */
  boolean remove(GroupKey key);

  /** Bytes of one group: {@code heads * tileBytes}. */
  int groupBytes();

  LowerTierStats stats();

  /** Waits for running calls and gives everything back. A second close does nothing. */
  @Override
  void close();
}
