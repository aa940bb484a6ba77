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
package org.tilekv.spark;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.tilekv.cache.TileListener;
import org.tilekv.coordinator.ExecutorReporter;
import org.tilekv.prefix.ChainHash;

/**
 * Carries names of tiles from the caches to the heartbeats. Between two heartbeats it holds so many
 * and loses what is more: the driver's directory is a hint. Thread-safe, never waits.
 */
final class TileNews implements TileListener {

  static final int MOST = 1 << 16;

  private record Change(long name, boolean published) {}

  private final BlockingQueue<Change> changes = new ArrayBlockingQueue<>(MOST);

  @Override
  public void published(ChainHash name) {
    var unused = changes.offer(new Change(name.shortName(), true));
  }

  @Override
  public void dropped(ChainHash name) {
    var unused = changes.offer(new Change(name.shortName(), false));
  }

  /** Tells all that happened since the last call, in order. */
  void tell(ExecutorReporter reporter) {
    int most = changes.size();
    for (int i = 0; i < most; i++) {
      Change change = changes.remove();
      if (change.published()) {
        reporter.published(change.name());
      } else {
        reporter.dropped(change.name());
      }
    }
  }
}
