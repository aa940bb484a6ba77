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

import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.util.Statistics;
import org.tilekv.KvDtype;

/**
 * Runs {@link MachineLimitsBenchmark} and {@link AttentionBenchmark} in one go and prints GB/s of
 * KV beside the machine's read rate.
 *
 * <pre>{@code
 * ./mvnw -q -pl plugin,benchmarks test-compile dependency:build-classpath \
 *     -Dmdep.outputFile=target/classpath
 * java --add-modules=jdk.incubator.vector \
 *     -cp benchmarks/target/classes:plugin/target/classes:$(cat benchmarks/target/classpath) \
 *     org.tilekv.bench.AttentionReport
 * }</pre>
 *
 * <p>Best and median operation are printed: on a machine with other work the best tells what the
 * code does, the median what was left for it. The share of the read rate compares best with best.
 *
 * <p>JMH options may follow, such as {@code -p dtype=BFLOAT16 -f 3}.
 */
public final class AttentionReport {

  private static final long READ_BYTES = MachineLimitsBenchmark.READ_BYTES;

  private AttentionReport() {}

  /** Runs and prints. */
  public static void main(String[] args) throws CommandLineOptionException, RunnerException {
    Options options =
        new OptionsBuilder()
            .parent(new CommandLineOptions(args))
            .include("\\." + MachineLimitsBenchmark.class.getSimpleName() + "\\.")
            .include("\\." + AttentionBenchmark.class.getSimpleName() + "\\.")
            .build();
    print(new Runner(options).run());
  }

  private static void print(Collection<RunResult> results) {
    Map<String, Statistics> reads = new TreeMap<>();
    for (RunResult result : results) {
      BenchmarkParams params = result.getParams();
      Statistics micros = result.getPrimaryResult().getStatistics();
      String threads = params.getParam("threads");
      if (params.getBenchmark().endsWith("readMemory")) {
        reads.put(threads, micros);
        line("read memory, threads %s: %s GB/s", threads, rates(READ_BYTES, micros));
      } else if (params.getBenchmark().endsWith("fusedMultiplyAdd")) {
        long flops = MachineLimitsBenchmark.flopsPerOperation(Integer.parseInt(threads));
        line("fused multiply-add, threads %s: %s GFLOP/s", threads, rates(flops, micros));
      }
    }
    for (RunResult result : results) {
      BenchmarkParams params = result.getParams();
      if (params.getBenchmark().endsWith("decode")) {
        printDecode(params, result.getPrimaryResult().getStatistics(), reads);
      }
    }
  }

  private static void printDecode(
      BenchmarkParams params, Statistics micros, Map<String, Statistics> reads) {
    String shape = params.getParam("shape");
    String context = params.getParam("context");
    String dtype = params.getParam("dtype");
    String threads = params.getParam("threads");
    long bytes =
        AttentionBenchmark.bytesPerOperation(
            shape, Integer.parseInt(context), KvDtype.valueOf(dtype));
    Statistics read = reads.get(threads);
    double share =
        read == null ? Double.NaN : bytes / micros.getMin() / (READ_BYTES / read.getMin());
    line(
        "decode, heads %s, context %s, %s, threads %s: %.0f us best, %s GB/s of KV, %.0f %% of read",
        shape, context, dtype, threads, micros.getMin(), rates(bytes, micros), 100 * share);
  }

  /** Amounts per nanosecond of the best and of the median operation. */
  private static String rates(long amount, Statistics micros) {
    return String.format(
        Locale.ROOT,
        "%.1f best, %.1f median",
        amount / micros.getMin() / 1e3,
        amount / micros.getPercentile(50) / 1e3);
  }

  private static void line(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
