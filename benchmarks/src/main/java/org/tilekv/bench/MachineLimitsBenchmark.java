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

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
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

/**
 * What this machine can do at most from Java: reading memory far beyond the last cache, and fused
 * multiply-adds in registers. {@link AttentionReport} sets attention against these.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g", "-Xms2g"})
public class MachineLimitsBenchmark {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();
  private static final int STREAMS = 8;

  private static final int MEMORY_FLOATS = 64 << 20;
  private static final int TURN_FLOATS = 4 << 20;
  private static final int PIECE_FLOATS = 1 << 17;
  private static final int FMA_ROUNDS = 1 << 16;
  private static final int FMA_CHAINS = 16;

  /** Bytes that one operation of {@link #readMemory} reads. */
  static final long READ_BYTES = (long) TURN_FLOATS * Float.BYTES;

  @Param({"1", "2"})
  public int threads;

  private ComputePool pool = ComputePool.sameThread();
  private float[] memory = {};
  private float[] results = {};
  private int turn;

  /** Floating-point operations of one operation of {@link #fusedMultiplyAdd}. */
  static long flopsPerOperation(int threads) {
    return 2L * threads * FMA_ROUNDS * FMA_CHAINS * LANES;
  }

  @Setup(Level.Trial)
  public void allocate() {
    pool = ComputePool.of(threads);
    memory = new float[MEMORY_FLOATS];
    Arrays.fill(memory, 0.5f);
    results = new float[2 * LANES * threads];
  }

  @TearDown(Level.Trial)
  public void close() {
    pool.close();
  }

  /** Reads a part of the buffer; the parts take turns, so that none is in a cache. */
  @Benchmark
  public float[] readMemory() {
    int first = turn++ % (MEMORY_FLOATS / TURN_FLOATS) * TURN_FLOATS;
    pool.forEach(
        TURN_FLOATS / PIECE_FLOATS,
        (item, worker) -> readPiece(first + item * PIECE_FLOATS, worker * LANES));
    return results;
  }

  private void readPiece(int first, int result) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    FloatVector e = a;
    FloatVector f = a;
    FloatVector g = a;
    FloatVector h = a;
    for (int i = first; i < first + PIECE_FLOATS; i += STREAMS * LANES) {
      a = a.add(FloatVector.fromArray(FLOATS, memory, i));
      b = b.add(FloatVector.fromArray(FLOATS, memory, i + LANES));
      c = c.add(FloatVector.fromArray(FLOATS, memory, i + 2 * LANES));
      d = d.add(FloatVector.fromArray(FLOATS, memory, i + 3 * LANES));
      e = e.add(FloatVector.fromArray(FLOATS, memory, i + 4 * LANES));
      f = f.add(FloatVector.fromArray(FLOATS, memory, i + 5 * LANES));
      g = g.add(FloatVector.fromArray(FLOATS, memory, i + 6 * LANES));
      h = h.add(FloatVector.fromArray(FLOATS, memory, i + 7 * LANES));
    }
    a.add(b).add(c.add(d)).add(e.add(f).add(g.add(h))).intoArray(results, result);
  }

  /** Independent chains in every thread. */
  @Benchmark
  public float[] fusedMultiplyAdd() {
    pool.forEach(threads, (item, worker) -> chains(item * LANES));
    return results;
  }

  private void chains(int result) {
    FloatVector x = FloatVector.broadcast(FLOATS, 0.999f);
    FloatVector y = FloatVector.broadcast(FLOATS, 0.001f);
    FloatVector a0 = y;
    FloatVector a1 = y;
    FloatVector a2 = y;
    FloatVector a3 = y;
    FloatVector a4 = y;
    FloatVector a5 = y;
    FloatVector a6 = y;
    FloatVector a7 = y;
    FloatVector a8 = y;
    FloatVector a9 = y;
    FloatVector b0 = y;
    FloatVector b1 = y;
    FloatVector b2 = y;
    FloatVector b3 = y;
    FloatVector b4 = y;
    FloatVector b5 = y;
    for (int i = 0; i < FMA_ROUNDS; i++) {
      a0 = a0.fma(x, y);
      a1 = a1.fma(x, y);
      a2 = a2.fma(x, y);
      a3 = a3.fma(x, y);
      a4 = a4.fma(x, y);
      a5 = a5.fma(x, y);
      a6 = a6.fma(x, y);
      a7 = a7.fma(x, y);
      a8 = a8.fma(x, y);
      a9 = a9.fma(x, y);
      b0 = b0.fma(x, y);
      b1 = b1.fma(x, y);
      b2 = b2.fma(x, y);
      b3 = b3.fma(x, y);
      b4 = b4.fma(x, y);
      b5 = b5.fma(x, y);
    }
    FloatVector a = a0.add(a1).add(a2.add(a3)).add(a4.add(a5).add(a6.add(a7)));
    FloatVector b = a8.add(a9).add(b0.add(b1)).add(b2.add(b3).add(b4.add(b5)));
    a.add(b).intoArray(results, result);
  }
}
