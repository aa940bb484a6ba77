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

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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
import org.tilekv.ComputePool;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.attention.CpuPagedAttention;
import org.tilekv.attention.KvMemory;
import org.tilekv.attention.Segments;
import org.tilekv.page.PageTable;

/**
 * Decode attention over KV that lies in memory, not in a cache: one operation attends from one
 * token to one row's whole context in one layer; rows and layers take turns over {@link #KV_BYTES},
 * with tiles on scattered pages. {@link AttentionReport} runs it and turns the times into GB/s of
 * KV.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@SuppressWarnings("NullAway.Init")
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g", "-Xms2g"})
public class AttentionBenchmark {

  private static final long KV_BYTES = 256L << 20;
  private static final int LAYERS = 4;
  private static final int TILE_TOKENS = 64;

  /** Query heads, KV heads and head dim. */
  @Param({"32/8/128", "12/4/64"})
  public String shape = "";

  @Param({"1024", "8192"})
  public int context;

  @Param({"FLOAT32", "BFLOAT16", "INT8"})
  public KvDtype dtype = KvDtype.FLOAT32;

  @Param({"1", "2"})
  public int threads;

  private final List<Segments> steps = new ArrayList<>();
  private ComputePool pool = ComputePool.sameThread();
  private CpuPagedAttention attention;
  private float[] q = {};
  private float[] out = {};
  private int next;

  /** Fills rows with random K and V. */
  @Setup(Level.Trial)
  public void fill() {
    int queryHeads = part(shape, 0);
    int headDim = part(shape, 2);
    TileGeometry geometry = new TileGeometry(LAYERS, part(shape, 1), headDim, TILE_TOKENS, dtype);
    int tiles = geometry.tilesFor(context);
    int rows =
        (int) Math.max(1, KV_BYTES / ((long) tiles * geometry.kvHeads() * geometry.tileBytes()));
    KvMemory memory = scattered(geometry, rows, tiles);
    attention = CpuPagedAttention.create(memory, queryHeads, (float) (1 / Math.sqrt(headDim)));
    pool = ComputePool.of(threads);
    append(geometry, rows);
    for (int row = 0; row < rows; row++) {
      Segments step = new Segments();
      step.add(row, context - 1, 1);
      steps.add(step);
    }
    q = gaussians(queryHeads * headDim);
    out = new float[queryHeads * headDim];
  }

  private static KvMemory scattered(TileGeometry geometry, int rows, int tiles) {
    List<Integer> pages = new ArrayList<>();
    for (int i = 0; i < rows * geometry.kvHeads() * tiles; i++) {
      pages.add(i);
    }
    Collections.shuffle(pages, new Random(3));
    PageTable table = new PageTable(rows, geometry.kvHeads(), tiles);
    int next = 0;
    for (int row = 0; row < rows; row++) {
      for (int head = 0; head < geometry.kvHeads(); head++) {
        for (int tile = 0; tile < tiles; tile++) {
          table.assign(row, head, tile, pages.get(next++));
        }
      }
    }
    return new KvMemory(table, TileArena.allocate(geometry, pages.size()));
  }

  private void append(TileGeometry geometry, int rows) {
    int stride = geometry.kvHeads() * geometry.headDim();
    float[] kv = gaussians(TILE_TOKENS * stride);
    for (int row = 0; row < rows; row++) {
      for (int start = 0; start < context; start += TILE_TOKENS) {
        Segments chunk = new Segments();
        chunk.add(row, start, TILE_TOKENS);
        for (int layer = 0; layer < LAYERS; layer++) {
          attention.append(layer, chunk, kv, 0, kv, 0, stride, pool);
        }
      }
    }
  }

  /** Always the same normal numbers. */
  static float[] gaussians(int count) {
    Random random = new Random(4);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @TearDown(Level.Trial)
  public void close() {
    pool.close();
  }

  /** One decode row in one layer. */
  @Benchmark
  public float[] decode() {
    int turn = next++;
    Segments step = steps.get(turn / LAYERS % steps.size());
    attention.attend(turn % LAYERS, 0, step, q, 0, q.length, out, pool);
    return out;
  }

  /** Bytes of K and V that one operation reads, scales included. */
  static long bytesPerOperation(String shape, int context, KvDtype dtype) {
    TileGeometry geometry = new TileGeometry(1, part(shape, 1), part(shape, 2), TILE_TOKENS, dtype);
    return (long) geometry.tilesFor(context) * geometry.kvHeads() * geometry.tileBytes();
  }

  private static int part(String shape, int index) {
    return Integer.parseInt(shape.split("/", -1)[index]);
  }
}
