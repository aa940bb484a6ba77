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

import java.util.Random;
import org.tilekv.tier.LowerTier;

/** A tier below a cache whose reads and writes run when the test says so; for other packages. */
public final class ManualTier {

  public final CacheTier tier;
  private final ManualExecutor writes = new ManualExecutor();
  private final ManualExecutor reads = new ManualExecutor();
  private long nowNs;

  /** Puts it below the cache; a read takes no time. */
  public ManualTier(TileCache cache, LowerTier below, CacheTierOptions options) {
    tier = new CacheTier(cache, below, options, writes, reads, () -> nowNs++);
  }

  /** Runs some of what waits, in any order. */
  public void runSome(Random random) {
    for (int turn = 0; turn < 2; turn++) {
      (random.nextBoolean() ? writes : reads).runAny(random);
    }
  }

  /** Executors take nothing more, as when threads cannot be started. */
  public void rejectWrites() {
    writes.shutdown();
  }

  public void rejectReads() {
    reads.shutdown();
  }

  public int allocatedSlots() {
    return tier.allocatedSlots();
  }
}
