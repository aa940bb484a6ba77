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

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a page pool, wherever they are. Bookkeeping lives elsewhere; pages are only numbers
 * here. Safe for concurrent use on different pages; the caller orders accesses to one page.
 */
public interface TileMemory extends AutoCloseable {

  TileGeometry geometry();

  /** Pages of the pool; page ids run from 0 to {@code pages() - 1}. */
  int pages();

  /** Bytes held, 0 after {@link #close}. */
  long bytes();

  /**
   * Copies the first {@code slots} slots of every layer's K and V, scales included, from each page
   * to the page at the same place of the other array.
   */
  void copySlots(int[] fromPages, int[] toPages, int slots);

  /** Whether {@link #copyOut} and {@link #copyIn} work here. */
  default boolean copiesToHost() {
    return false;
  }

  /**
   * Appends whole tiles to {@code dst}, page by page, in little-endian order; {@code dst} has room
   * for {@code pages.length * geometry.tileBytes()} bytes and its position moves by as many.
   */
  default void copyOut(int[] pages, ByteBuffer dst) {
    throw new UnsupportedOperationException("these tiles cannot be read by the host");
  }

  /** Bytes on their way to the host. */
  @FunctionalInterface
  interface Copy {

    /** Of bytes that are there. */
    Copy DONE = () -> {};

    /**
     * Waits until the bytes are there; to be called once. Throws where they will never be there.
     */
    void await();
  }

  /**
   * As {@link #copyOut}, of pages that no forward step under way writes; may return before the
   * bytes are there. What is written to the pages from now on comes behind the copy.
   */
  default Copy beginCopyOut(int[] pages, ByteBuffer dst) {
    copyOut(pages, dst);
    return Copy.DONE;
  }

  /** Host memory that tiles are copied to and from fastest; null where any is as good. */
  default @Nullable HostAllocator hostAllocator() {
    return null;
  }

  /** Fills whole tiles from {@code src} with the bytes that {@link #copyOut} gave. */
  default void copyIn(int[] pages, ByteBuffer src) {
    throw new UnsupportedOperationException("these tiles cannot be written by the host");
  }

  /** As {@link #copyIn(int[], ByteBuffer)} for each of the lists' elements. */
  default void copyIn(List<int[]> pages, List<ByteBuffer> sources) {
    for (int i = 0; i < pages.size(); i++) {
      copyIn(pages.get(i), sources.get(i));
    }
  }

  /**
   * Says that pages are about to be given back that work queued so far, such as a forward step
   * under way, may still read or write: what {@link #copyIn} brings and {@link #beginCopyOut} takes
   * from now on comes behind it. By the thread that queues such work.
   */
  default void lettingGo() {}

  /** Gives the memory back. Pages must not be used afterwards. */
  @Override
  void close();
}
