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

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tilekv.BatchPlan;
import org.tilekv.CacheStats;
import org.tilekv.KvCache;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.PlannedRows;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;

/** A cache of {@value #PAGES} pages that holds nothing. */
class FakeCache implements KvCache {

  static final int PAGES = 64;

  final List<BatchPlan> plans = new ArrayList<>();

  /** Positions as they were told; -1 for the end of a plan. */
  final List<Integer> reached = new ArrayList<>();

  @Override
  public TileGeometry geometry() {
    return new TileGeometry(1, 1, 8, 16, KvDtype.FLOAT32);
  }

  @Override
  public @Nullable KvSequence open(SequenceRequest request) {
    return null;
  }

  @Override
  public PrefixProbe probe(SequenceRequest request) {
    return new PrefixProbe(0, 0);
  }

  @Override
  public PlannedRows plan(BatchPlan plan) {
    plans.add(plan);
    return new PlannedRows() {
      @Override
      public void reached(int position) {
        reached.add(position);
      }

      @Override
      public void close() {
        reached.add(-1);
      }
    };
  }

  @Override
  public int availablePages() {
    return PAGES;
  }

  @Override
  public int releaseOwner(long owner) {
    return 0;
  }

  @Override
  public int expireLeases() {
    return 0;
  }

  @Override
  public int clear() {
    return 0;
  }

  @Override
  public CacheStats stats() {
    return new CacheStats(
        0, 0, 0, 0, 0, Map.of(), 0, 0, 0, Map.of(), 0, PAGES, PAGES, 0, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public void checkIntegrity() {}

  @Override
  public void close() {}
}
