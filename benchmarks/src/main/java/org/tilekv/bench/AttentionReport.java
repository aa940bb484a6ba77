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
 * <p>JMH options may follow, such as {@code -p dtype=BFLOAT16 -f 3}.
 */
public final class AttentionReport {

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
    Map<String, Double> readRates = new TreeMap<>();
    for (RunResult result : results) {
      BenchmarkParams params = result.getParams();
      double micros = result.getPrimaryResult().getScore();
      String threads = params.getParam("threads");
      if (params.getBenchmark().endsWith("readMemory")) {
        double rate = MachineLimitsBenchmark.READ_BYTES / micros / 1e3;
        readRates.put(threads, rate);
        line("read memory, threads %s: %.1f GB/s", threads, rate);
      } else if (params.getBenchmark().endsWith("fusedMultiplyAdd")) {
        long flops = MachineLimitsBenchmark.flopsPerOperation(Integer.parseInt(threads));
        line("fused multiply-add, threads %s: %.0f GFLOP/s", threads, flops / micros / 1e3);
      }
    }
    for (RunResult result : results) {
      BenchmarkParams params = result.getParams();
      if (params.getBenchmark().endsWith("decode")) {
        printDecode(params, result.getPrimaryResult().getScore(), readRates);
      }
    }
  }

  private static void printDecode(
      BenchmarkParams params, double micros, Map<String, Double> readRates) {
    String shape = params.getParam("shape");
    String context = params.getParam("context");
    String dtype = params.getParam("dtype");
    String threads = params.getParam("threads");
    long bytes =
        AttentionBenchmark.bytesPerOperation(
            shape, Integer.parseInt(context), KvDtype.valueOf(dtype));
    double rate = bytes / micros / 1e3;
    double limit = readRates.getOrDefault(threads, Double.NaN);
    line(
        "decode, heads %s, context %s, %s, threads %s: %.1f us, %.1f GB/s of KV, %.0f %% of read",
        shape, context, dtype, threads, micros, rate, 100 * rate / limit);
  }

  private static void line(String format, Object... arguments) {
    System.out.println(String.format(Locale.ROOT, format, arguments));
  }
}
