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

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.tilekv.page.PageTable;

/**
 * One call of the page table, on random entries of a table of 256 rows, 8 heads and 128 tiles (1
 * MiB), and the upload of what a decode step of all rows changes.
 *
 * <pre>
 * java ... org.openjdk.jmh.Main PageTableBenchmark
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before a benchmark.
public class PageTableBenchmark {
  private static final int ROWS = 256;
  private static final int HEADS = 8;
  private static final int TILES = 128;
  private static final int CALLS = 4096;

  private PageTable table;
  private int[] rows;
  private int[] heads;
  private int[] tiles;
  private int[] mirror;

  @Setup
  public void prepare() {
    table = new PageTable(ROWS, HEADS, TILES);
    mirror = new int[ROWS * HEADS * TILES];
    Random random = new Random(7);
    rows = random.ints(CALLS, 0, ROWS).toArray();
    heads = random.ints(CALLS, 0, HEADS).toArray();
    tiles = random.ints(CALLS, 0, TILES).toArray();
  }

  @Benchmark
  @OperationsPerInvocation(CALLS)
  public void assign() {
    for (int i = 0; i < CALLS; i++) {
      table.assign(rows[i], heads[i], tiles[i], i);
    }
  }

  @Benchmark
  @OperationsPerInvocation(CALLS)
  public int lookup() {
    int sum = 0;
    for (int i = 0; i < CALLS; i++) {
      sum += table.lookup(rows[i], heads[i], tiles[i]);
    }
    return sum;
  }

  @Benchmark
  @OperationsPerInvocation(CALLS)
  public int remove() {
    int sum = 0;
    for (int i = 0; i < CALLS; i++) {
      sum += table.remove(rows[i], heads[i], tiles[i]);
    }
    return sum;
  }

  /** Every row gets one more tile, and the mirror the changes: time per changed entry. */
  @Benchmark
  @OperationsPerInvocation(ROWS * HEADS)
  public int assignAndSync() {
    for (int row = 0; row < ROWS; row++) {
      for (int head = 0; head < HEADS; head++) {
        table.assign(row, head, tiles[row], row);
      }
    }
    return table.syncToDevice(
        (entries, from, to) -> System.arraycopy(entries, from, mirror, from, to - from));
  }
}
