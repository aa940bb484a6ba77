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
package org.tilekv.bench;

import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.tilekv.EvictionOrder;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.PlannedRows;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;
import org.tilekv.cache.StaticPlan;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.prefix.Namespace;

/**
 * What a sequence costs in bookkeeping: 8 KV heads, tiles of 64 tokens, a pool that is always full,
 * so that every new tile evicts one. Tiles are tiny, so that copies do not count.
 *
 * <pre>
 * java ... org.openjdk.jmh.Main SequenceBenchmark
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 10, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector"})
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before a benchmark.
public class SequenceBenchmark {
  private static final Namespace NAMESPACE = Namespace.builder().build();
  private static final int HEADS = 8;
  private static final int TILE_TOKENS = 64;
  private static final int RESIDENT_TILES = 4096;

  /** Tokens of a prompt. */
  @Param({"64", "512", "2048"})
  int promptTokens;

  /** Order of eviction; by plan with a plan open that needs the shared prompt. */
  @Param({"LRU", "PLAN"})
  EvictionOrder eviction;

  private TileCache cache;
  private PlannedRows plan;
  private int[] shared;
  private int[] fresh;
  private int[] next;
  private int serial;
  private KvSequence decoding;

  @Setup(Level.Trial)
  public void fill() {
    TileGeometry geometry = new TileGeometry(1, HEADS, 1, TILE_TOKENS, KvDtype.INT8);
    cache =
        TileCache.create(
            new TileCacheOptions(
                geometry,
                RESIDENT_TILES * HEADS,
                256,
                64,
                NAMESPACE,
                60_000,
                true,
                eviction,
                () -> System.nanoTime() / 1_000_000));
    shared = new Random(7).ints(promptTokens + 1, 0, 128_000).toArray();
    fresh = shared.clone();
    next = new int[] {1};
    for (int tile = 0; tile < RESIDENT_TILES; tile += promptTokens / TILE_TOKENS) {
      computeFresh();
    }
    compute(shared);
    plan = cache.plan(StaticPlan.of(NAMESPACE, null, new int[][] {shared}, TILE_TOKENS));
    decoding = open(new int[] {1});
  }

  @TearDown(Level.Trial)
  public void close() {
    cache.checkIntegrity();
    plan.close();
    cache.close();
  }

  private KvSequence open(int[] prompt) {
    return Objects.requireNonNull(cache.open(new SequenceRequest(prompt, 0, null, true)));
  }

  private int compute(int[] prompt) {
    try (KvSequence sequence = open(prompt)) {
      int cached = sequence.cachedTokens();
      if (!sequence.reserve(prompt.length)) {
        throw new IllegalStateException("the pool is too small");
      }
      sequence.commit(0, prompt, cached, prompt.length - cached);
      return cached;
    }
  }

  /** Open, reserve, commit and close of a prompt that was never seen: hash, evict and publish. */
  @Benchmark
  public int computeFresh() {
    fresh[0] = serial++;
    return compute(fresh);
  }

  /** The same of a prompt that is resident but for its last token. */
  @Benchmark
  public int computeResident() {
    return compute(shared);
  }

  /** A decode step of one sequence: reserve and commit of one token. */
  @Benchmark
  public int decodeStep() {
    if (decoding.length() == TILE_TOKENS * 32) {
      decoding.close();
      decoding = open(new int[] {serial++});
    }
    decoding.reserve(decoding.length() + 1);
    decoding.commit(0, next, 0, 1);
    return decoding.length();
  }
}
