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
 * The threads that run one forward step's independent work items.
 *
 * <p>An item's result must not depend on the worker that ran it or on the order of items, so that a
 * step gives the same bits with any number of threads.
 */
public interface ComputePool extends AutoCloseable {

  /** Runs one item. */
  @FunctionalInterface
  interface Body {
    /**
     * @param item index of the item
     * @param worker index of the worker, below {@link ComputePool#workers}, for scratch memory
     */
    void run(int item, int worker);
  }

  /** Workers, the calling thread included. */
  int workers();

  /**
   * Runs items 0 to {@code items - 1} and returns when all are done. One caller at a time. The
   * first failure of an item is thrown to the caller after all workers have stopped.
   */
  void forEach(int items, Body body);

  @Override
  void close();

  /** A pool that runs everything in the calling thread. */
  static ComputePool sameThread() {
    return new ComputePool() {
      @Override
      public int workers() {
        return 1;
      }

      @Override
      public void forEach(int items, Body body) {
        for (int i = 0; i < items; i++) {
          body.run(i, 0);
        }
      }

      @Override
      public void close() {}
    };
  }

  /** A pool of {@code threads} workers: the caller and {@code threads - 1} daemon threads. */
  static ComputePool of(int threads) {
    return threads == 1 ? sameThread() : new SpinningComputePool(threads);
  }
}
