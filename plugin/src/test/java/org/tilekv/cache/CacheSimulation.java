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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.tilekv.CacheStats;
import org.tilekv.EvictionOrder;
import org.tilekv.EvictionReason;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;

/** Does the same random thing to a cache and to its model, and compares all there is to see. */
final class CacheSimulation implements AutoCloseable {

  private static final int ROWS = 7;
  private static final int MAX_TOKENS = 8 * TestCaches.TILE_TOKENS;

  /** A sequence of both. */
  private record Pair(TrackedSequence real, ModelSequence model) {}

  private final Random random;
  private final AtomicLong clockMs = new AtomicLong();
  private final TileCache cache;
  private final CacheModel model;
  private final TilePatterns patterns;
  private final Prompts prompts;
  private final List<Pair> open = new ArrayList<>();
  private long opened;
  private long promptTokens;
  private long expired;

  CacheSimulation(KvDtype dtype, int tiles, EvictionOrder eviction, Random random) {
    this.random = random;
    cache = TileCache.create(TestCaches.options(dtype, tiles, ROWS, eviction, clockMs));
    model = new CacheModel(tiles, ROWS, TestCaches.TILE_TOKENS);
    patterns = new TilePatterns(cache.kvMemory());
    prompts = new Prompts(random, MAX_TOKENS - 8);
  }

  /** One random call, compared. */
  void step() {
    int choice = random.nextInt(1000);
    if (choice < 120) {
      open();
    } else if (choice < 160) {
      probe();
    } else if (choice < 180) {
      passTime();
    } else if (choice < 185) {
      releaseOwner();
    } else if (choice < 187) {
      clear();
    } else if (!open.isEmpty()) {
      step(open.get(random.nextInt(open.size())), choice);
    }
    compare(cache.stats());
  }

  private void step(Pair pair, int choice) {
    if (choice < 260) {
      close(pair);
      return;
    }
    if (choice < 380) {
      fork(pair);
    } else if (choice < 480) {
      int[] parents = Prompts.parents(random, pair.real.beams());
      pair.real.sequence.reorder(parents);
      pair.real.reordered(parents);
      pair.model.reorder(parents);
    } else if (choice < 500) {
      pair.real.sequence.renewLease();
      renewed(pair);
    } else {
      write(pair);
    }
    pair.real.verify("after a step");
  }

  private void open() {
    SequenceRequest request = prompts.next(random, random.nextInt(3));
    KvSequence sequence = cache.open(request);
    ModelSequence expected = ModelSequence.open(model, request);
    assertThat(sequence == null).isEqualTo(expected == null);
    if (sequence != null && expected != null) {
      assertThat(sequence.cachedTokens()).isEqualTo(expected.beams.get(0).tokens.size());
      Pair pair = new Pair(new TrackedSequence(sequence, request, patterns), expected);
      renewed(pair);
      open.add(pair);
      opened++;
      promptTokens += request.prompt().length;
    }
  }

  private void probe() {
    SequenceRequest request = prompts.next(random, 0);
    Iterable<ModelSequence> sequences = open.stream().map(Pair::model)::iterator;
    assertThat(cache.probe(request)).isEqualTo(model.probe(request, sequences));
  }

  private void write(Pair pair) {
    int length = Math.min(MAX_TOKENS, pair.real.length() + 1 + random.nextInt(7));
    boolean reserved = pair.real.sequence.reserve(length);
    assertThat(reserved).isEqualTo(pair.model.reserve(length));
    renewed(pair);
    if (reserved && length > pair.real.length()) {
      int count = random.nextInt(length - pair.real.length() + 1);
      int[][] next = Prompts.continuations(random, pair.real, count);
      pair.real.write(next);
      for (int beam = 0; beam < next.length; beam++) {
        pair.model.commit(beam, next[beam]);
      }
    }
  }

  private void fork(Pair pair) {
    int beams = 1 + random.nextInt(4);
    if (pair.real.beams() == 1) {
      boolean forked = pair.real.sequence.fork(beams);
      assertThat(forked).isEqualTo(pair.model.fork(beams));
      if (forked) {
        pair.real.forked(beams);
      }
    }
  }

  private void close(Pair pair) {
    pair.real.sequence.close();
    closed(pair);
  }

  private void closed(Pair pair) {
    pair.model.close();
    open.remove(pair);
  }

  private void passTime() {
    clockMs.addAndGet(random.nextInt(2 * (int) TestCaches.TTL_MS));
    int count = closed(pair -> pair.model.leaseEndMs < clockMs.get());
    expired += count;
    assertThat(cache.expireLeases()).isEqualTo(count);
  }

  private void releaseOwner() {
    long owner = random.nextInt(3);
    int count = closed(pair -> pair.real.request.owner() == owner);
    assertThat(cache.releaseOwner(owner)).isEqualTo(count);
  }

  private int closed(Predicate<Pair> which) {
    List<Pair> closing = open.stream().filter(which).toList();
    closing.forEach(this::closed);
    return closing.size();
  }

  private void clear() {
    int before = model.free;
    while (!model.unused.isEmpty()) {
      model.evictOldest();
    }
    assertThat(cache.clear()).isEqualTo((model.free - before) * TestCaches.HEADS);
  }

  private void renewed(Pair pair) {
    pair.model.leaseEndMs = clockMs.get() + TestCaches.TTL_MS;
  }

  private void compare(CacheStats stats) {
    int heads = TestCaches.HEADS;
    int pinned = stats.pages() - (model.free + model.unused.size()) * heads;
    int references = open.stream().mapToInt(pair -> pair.model.references()).sum() * heads;
    assertThat(stats)
        .isEqualTo(
            new CacheStats(
                opened,
                promptTokens,
                model.reusedTokens,
                model.hitTiles,
                model.partialHits,
                model.missed,
                model.published,
                0,
                model.evictions,
                model.evictions == 0
                    ? Map.of()
                    : Map.of(EvictionReason.LEAST_RECENT, model.evictions),
                model.copiedTiles * heads,
                stats.pages(),
                model.free * heads,
                model.unused.size() * heads,
                pinned,
                references,
                stats.peakPinnedPages(),
                stats.peakTableReferences(),
                open.size(),
                expired));
    assertThat(cache.availablePages()).isEqualTo((model.free + model.unused.size()) * heads);
    assertThat(stats.peakPinnedPages()).isBetween(pinned, stats.pages());
    assertThat(stats.peakTableReferences()).isGreaterThanOrEqualTo(references);
  }

  /** Looks at every byte and every count. */
  void verifyAll() {
    cache.checkIntegrity();
    open.forEach(pair -> pair.real.verify("between steps"));
  }

  /** What happened, to see that everything did. */
  @Nullable String unseen() {
    if (model.hitTiles == 0 || model.partialHits == 0 || model.copiedTiles == 0) {
      return "hits and copies";
    }
    if (model.evictions == 0 || expired == 0) {
      return "evictions and expired leases";
    }
    return model.missed.size() < 4 ? "misses of all kinds" : null;
  }

  @Override
  public void close() {
    List.copyOf(open).forEach(this::close);
    verifyAll();
    clear();
    assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
    cache.close();
  }
}
