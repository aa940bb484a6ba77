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
package org.tilekv.llm;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.jspecify.annotations.Nullable;
import org.tilekv.ComputePool;
import org.tilekv.attention.Bf16;
import org.tilekv.bench.MachineLimits;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Matrix products of a model's projections, ours against oneDNN's, beside what the machine can do.
 * The layers of the model take turns, so that weights come from memory as in a step.
 *
 * <p>oneDNN's native library is not part of the build: {@code -Ponednn} brings it. It runs its own
 * threads: set {@code OMP_NUM_THREADS} to {@code --threads}.
 */
@Command(
    name = "mat-mul-report",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Measures matrix products.")
public final class MatMulReport implements Callable<Integer> {

  private static final String[] NAMES = {
    "self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj"
  };

  @Option(names = "--model", required = true, description = "Hugging Face directory, bfloat16")
  private Path model = Path.of("");

  @Option(names = "--rows", split = ",", description = "rows multiplied at once")
  private int[] rows = {1, 8, 32, 256};

  @Option(names = "--threads", description = "compute threads")
  private int threads = 2;

  @Option(names = "--millis", description = "time for each shape, number of rows and kind")
  private int millis = 500;

  @Option(names = "--one-dnn", description = "whether to measure oneDNN", negatable = true)
  private boolean oneDnn = true;

  private MatMulReport() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new MatMulReport()).execute(args));
  }

  @Override
  public Integer call() {
    MachineLimits.print(threads);
    try (Checkpoint checkpoint = Checkpoint.open(model);
        ComputePool pool = ComputePool.of(threads)) {
      int layers = HfConfigReader.read(model).layers();
      for (String name : NAMES) {
        List<Tensor> tensors = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
          tensors.add(checkpoint.tensor("model.layers." + layer + "." + name + ".weight"));
        }
        measure(name, tensors, pool);
      }
      measure("lm_head", List.of(checkpoint.tensor("lm_head.weight")), pool);
    }
    return 0;
  }

  private void measure(String name, List<Tensor> tensors, ComputePool pool) {
    int most = Arrays.stream(rows).max().orElse(1);
    int outputs = tensors.get(0).shape()[0];
    int depth = tensors.get(0).columns();
    line("%s: %d outputs, depth %d", name, outputs, depth);
    float[] x = new float[most * depth];
    Random random = new Random(1);
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    float[] y = new float[most * (outputs + 64)];
    float[][] own = measure(tensors, t -> new OwnProduct(t, MatMulKind.VECTOR, x, y, pool), null);
    if (oneDnn) {
      measureOneDnn(tensors, x, (long) most * outputs, own);
    }
  }

  private void measureOneDnn(List<Tensor> tensors, float[] x, long results, float[][] own) {
    short[] halves = new short[x.length];
    for (int i = 0; i < x.length; i++) {
      halves[i] = Bf16.fromFloat(x[i]);
    }
    try (FloatPointer floats = new FloatPointer(x);
        ShortPointer rounded = new ShortPointer(halves);
        FloatPointer result = new FloatPointer(results)) {
      for (OneDnnProduct.Types types : OneDnnProduct.Types.values()) {
        boolean bf16 = types == OneDnnProduct.Types.BF16_BF16;
        measure(tensors, t -> new OneDnnProduct(t, types, bf16 ? rounded : floats, result), own);
      }
    }
  }

  /**
   * Prints the best tenth and the median of each number of rows. On a machine with other work the
   * best tells what the code does.
   *
   * @return the first result row of the first tensor for each number of rows
   */
  private float[][] measure(
      List<Tensor> tensors,
      Function<Tensor, MeasuredProduct> maker,
      float @Nullable [][] expected) {
    List<MeasuredProduct> products = tensors.stream().map(maker).toList();
    float[][] first = new float[rows.length][];
    for (int count : rows) {
      nanos(products, count);
    }
    for (int i = 0; i < rows.length; i++) {
      long[] nanos = nanos(products, rows[i]);
      products.get(0).multiply(rows[i]);
      first[i] = products.get(0).row(0);
      double weights = (double) products.get(0).outputs() * products.get(0).depth();
      line(
          "  %-24s rows %3d: %8.1f us (median %8.1f), %6.1f GFLOP/s, weights at %5.1f GB/s, %s",
          products.get(0),
          rows[i],
          nanos[nanos.length / 10] / 1e3,
          nanos[nanos.length / 2] / 1e3,
          2 * rows[i] * weights / nanos[nanos.length / 10],
          Short.BYTES * weights / nanos[nanos.length / 10],
          compare(first[i], first[0], "one row")
              + (expected == null ? "" : ", " + compare(first[i], expected[0], "ours")));
    }
    if (products.get(0) instanceof OneDnnProduct one) {
      line("    chosen by rows: %s", one.implementations());
    }
    products.forEach(MeasuredProduct::close);
    return first;
  }

  /** Sorted times of the second half of the calls. */
  private long[] nanos(List<MeasuredProduct> products, int count) {
    List<Long> nanos = new ArrayList<>();
    long end = System.nanoTime() + millis * 1_000_000L;
    for (int turn = 0; System.nanoTime() < end || turn < 40; turn++) {
      long start = System.nanoTime();
      products.get(turn % products.size()).multiply(count);
      nanos.add(System.nanoTime() - start);
    }
    return nanos.stream().skip(nanos.size() / 2).mapToLong(Long::longValue).sorted().toArray();
  }

  private static String compare(float[] a, float[] b, String what) {
    double worst = 0;
    boolean same = true;
    for (int i = 0; i < a.length; i++) {
      same &= Float.floatToRawIntBits(a[i]) == Float.floatToRawIntBits(b[i]);
      worst = Math.max(worst, Math.abs(a[i] - b[i]));
    }
    return same
        ? "bits as " + what
        : String.format(Locale.ROOT, "off %s by up to %.1e", what, worst);
  }

  private static void line(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }
}
