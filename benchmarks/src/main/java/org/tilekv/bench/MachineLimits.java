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

import java.util.Locale;

/** What the machine can do at most, for reports that do not run under JMH. */
public final class MachineLimits {

  private static final int TURNS = 400;

  private MachineLimits() {}

  /** Measures and prints the best read rate and the best rate of fused multiply-adds. */
  public static void print(int threads) {
    MachineLimitsBenchmark benchmark = new MachineLimitsBenchmark();
    benchmark.threads = threads;
    benchmark.allocate();
    double read = bestNanos(benchmark::readMemory);
    double multiply = bestNanos(benchmark::fusedMultiplyAdd);
    benchmark.close();
    System.out.printf(
        Locale.ROOT,
        "machine, %d threads: reads %.1f GB/s, fused multiply-add %.1f GFLOP/s%n",
        threads,
        MachineLimitsBenchmark.READ_BYTES / read,
        MachineLimitsBenchmark.flopsPerOperation(threads) / multiply);
  }

  private static double bestNanos(Runnable body) {
    long best = Long.MAX_VALUE;
    for (int turn = 0; turn < TURNS; turn++) {
      long start = System.nanoTime();
      body.run();
      best = Math.min(best, System.nanoTime() - start);
    }
    return best;
  }
}
