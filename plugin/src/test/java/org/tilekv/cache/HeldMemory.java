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

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.tilekv.TileArena;

/** Memory in which a copy waits until it is let go on, or fails. */
final class HeldMemory extends ArenaMemory {

  final CountDownLatch copying = new CountDownLatch(1);
  final CountDownLatch goOn = new CountDownLatch(1);
  volatile boolean hold;
  volatile @Nullable RuntimeException failure;
  volatile boolean closed;
  volatile @Nullable Runnable onLettingGo;

  HeldMemory(TileCacheOptions options) {
    super(TileArena.allocate(options.geometry(), options.pages()));
  }

  @Override
  public void copySlots(int[] fromPages, int[] toPages, int slots) {
    if (hold) {
      copying.countDown();
      await(goOn);
    }
    RuntimeException failing = failure;
    if (failing != null) {
      throw failing;
    }
    super.copySlots(fromPages, toPages, slots);
  }

  @Override
  public void lettingGo() {
    Runnable watching = onLettingGo;
    if (watching != null) {
      watching.run();
    }
  }

  static void await(CountDownLatch latch) {
    try {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new AssertionError("nothing came in 30 seconds");
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    closed = true;
    super.close();
  }
}
