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
package org.tilekv.engine;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tilekv.BatchPlan;
import org.tilekv.CacheStats;
import org.tilekv.KvCache;
import org.tilekv.KvSequence;
import org.tilekv.PlannedRows;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;

/**
 * The cache of a cell's leader: what changes it is noted for the other members. Changed by the
 * engine's thread alone; sequences end with their rows, never by time, which members cannot agree
 * upon.
 */
final class LeadingCache implements KvCache {

  private static final PlannedRows NO_PLAN =
      new PlannedRows() {
        @Override
        public void reached(int position) {}

        @Override
        public void close() {}
      };

  private final KvCache cache;
  private final CellLog log;
  private final Map<Integer, LeadingSequence> open = new LinkedHashMap<>();
  private int nextId;

  LeadingCache(KvCache cache, CellLog log) {
    this.cache = cache;
    this.log = log;
  }

  @Override
  public TileGeometry geometry() {
    return cache.geometry();
  }

  @Override
  public @Nullable KvSequence open(SequenceRequest request) {
    KvSequence opened = cache.open(request);
    if (opened == null) {
      return null;
    }
    int id = nextId++;
    log.opened(id, request, opened.cachedTokens(), opened.row(0));
    LeadingSequence sequence =
        new LeadingSequence(opened, id, request.owner(), log, () -> open.remove(id));
    open.put(id, sequence);
    return sequence;
  }

  @Override
  public PrefixProbe probe(SequenceRequest request) {
    return cache.probe(request);
  }

  /** Members evict alike only in the order of use, which no plan changes. */
  @Override
  public PlannedRows plan(BatchPlan plan) {
    return NO_PLAN;
  }

  @Override
  public int availablePages() {
    return cache.availablePages();
  }

  @Override
  public int releaseOwner(long owner) {
    List<LeadingSequence> owned =
        open.values().stream().filter(sequence -> sequence.owner() == owner).toList();
    owned.forEach(KvSequence::close);
    return owned.size();
  }

  @Override
  public int expireLeases() {
    return 0;
  }

  @Override
  public int clear() {
    int freed = cache.clear();
    log.cleared();
    return freed;
  }

  @Override
  public CacheStats stats() {
    return cache.stats();
  }

  @Override
  public void checkIntegrity() {
    cache.checkIntegrity();
  }

  /** Closes the sequences that are open; the cache stays for the next job. */
  @Override
  public void close() {
    List.copyOf(open.values()).forEach(KvSequence::close);
  }
}
