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

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.tilekv.EvictionOrder;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.prefix.Namespace;

/** Small caches over real memory, with a clock that only moves when told. */
final class TestCaches {

  static final int HEADS = 2;
  static final int TILE_TOKENS = 4;
  static final long TTL_MS = 100;

  private TestCaches() {}

  static TileGeometry geometry(KvDtype dtype) {
    return new TileGeometry(2, HEADS, 2, TILE_TOKENS, dtype);
  }

  static TileCacheOptions options(KvDtype dtype, int tiles, int rows, AtomicLong clockMs) {
    return options(dtype, tiles, rows, EvictionOrder.PLAN, clockMs);
  }

  static TileCacheOptions options(
      KvDtype dtype, int tiles, int rows, EvictionOrder eviction, AtomicLong clockMs) {
    return new TileCacheOptions(
        geometry(dtype),
        tiles * HEADS,
        rows,
        8,
        Namespace.builder().build(),
        TTL_MS,
        true,
        eviction,
        clockMs::get);
  }

  /** A cache of so many tiles of all heads, and four rows. */
  static TileCache cache(int tiles) {
    return cache(tiles, 4, new AtomicLong());
  }

  static TileCache cache(int tiles, int rows, AtomicLong clockMs) {
    TileCacheOptions options = options(KvDtype.BFLOAT16, tiles, rows, clockMs);
    return TileCache.create(options, TileArena.allocate(options.geometry(), options.pages()));
  }

  static SequenceRequest request(int... prompt) {
    return new SequenceRequest(prompt, 0, null, true);
  }

  static SequenceRequest request(@Nullable String salt, int... prompt) {
    return new SequenceRequest(prompt, 0, salt, true);
  }

  /** Opens a sequence where there is a row. */
  static KvSequence open(TileCache cache, int... prompt) {
    return open(cache, request(prompt));
  }

  static KvSequence open(TileCache cache, SequenceRequest request) {
    KvSequence sequence = cache.open(request);
    if (sequence == null) {
      throw new AssertionError("no row is free");
    }
    return sequence;
  }

  /** Opens a sequence, whose K and V are written and looked at. */
  static TrackedSequence track(TileCache cache, int... prompt) {
    SequenceRequest request = request(prompt);
    return new TrackedSequence(open(cache, request), request, new TilePatterns(cache.kvMemory()));
  }

  /** Reserves, writes and commits tokens in all beams. */
  static void append(TrackedSequence tracked, int[]... next) {
    assertThat(tracked.sequence.reserve(tracked.length() + next[0].length)).isTrue();
    tracked.write(next);
    tracked.verify("appended");
  }

  /** Computes a prompt and closes the sequence, so that its full tiles are resident. */
  static void compute(TileCache cache, int... prompt) {
    compute(cache, request(prompt));
  }

  static void compute(TileCache cache, SequenceRequest request) {
    try (KvSequence sequence = open(cache, request)) {
      TrackedSequence tracked =
          new TrackedSequence(sequence, request, new TilePatterns(cache.kvMemory()));
      int from = sequence.cachedTokens();
      int[] rest = new int[request.prompt().length - from];
      System.arraycopy(request.prompt(), from, rest, 0, rest.length);
      append(tracked, rest);
    }
  }

  static int resident(TileCache cache, int... prompt) {
    return cache.probe(request(prompt)).residentTokens();
  }
}
