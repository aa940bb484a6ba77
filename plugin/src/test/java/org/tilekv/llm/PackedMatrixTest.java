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

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tilekv.ComputePool;
import org.tilekv.llm.SafetensorsWriter.Spec;

/** A product's element is one chain of fused multiply-adds, whatever computes it. */
class PackedMatrixTest {

  private static final long SEED = 11;

  @TempDir Path directory;

  @ParameterizedTest(name = "{0}, {1} and {2} outputs, depth {3}")
  @CsvSource({
    "BF16,1,1,1",
    "BF16,60,9,65",
    "BF16,128,64,33",
    "BF16,30,100,1700",
    "BF16,200,184,768",
    "F32,1,2,3",
    "F32,31,33,70",
    "F32,64,64,1025",
    "F32,50,270,96"
  })
  void everyKindGivesTheBitsOfTheChain(WeightDtype dtype, int first, int second, int depth) {
    Random random = new Random(SEED);
    try (Checkpoint checkpoint = checkpoint(random, dtype, first, second, depth);
        ComputePool pool = ComputePool.of(3)) {
      float[] weights = allWeights(checkpoint);
      int most = 11;
      float[] x = gaussians(random, most * depth);
      float[] expected = chains(weights, first + second, x, depth, most);
      for (MatMulKind kind : MatMulKind.values()) {
        PackedMatrix packed =
            new PackedMatrix(kind, first + second, depth, dtype == WeightDtype.BF16);
        packed.fill(0, checkpoint.tensor("a"), pool);
        packed.fill(first, checkpoint.tensor("b"), pool);
        for (int rows = 1; rows <= most; rows++) {
          assertProduct(
              packed, x, rows, expected, kind + ", " + rows + " rows, seed " + SEED, pool);
        }
        assertOutputsComeBack(packed, weights);
      }
    }
  }

  private Checkpoint checkpoint(
      Random random, WeightDtype dtype, int first, int second, int depth) {
    List<Spec> specs =
        List.of(new Spec("a", dtype, first, depth), new Spec("b", dtype, second, depth));
    Path file = directory.resolve("model.safetensors");
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, specs)) {
      float[] values = gaussians(random, (first + second) * depth);
      writer.write(values, 0, first * depth);
      writer.write(values, first * depth, second * depth);
    }
    return Checkpoint.open(directory);
  }

  private static float[] allWeights(Checkpoint checkpoint) {
    float[] a = checkpoint.tensor("a").toFloats();
    float[] b = checkpoint.tensor("b").toFloats();
    float[] all = new float[a.length + b.length];
    System.arraycopy(a, 0, all, 0, a.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }

  private static float[] gaussians(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static float[] chains(float[] weights, int outputs, float[] x, int depth, int rows) {
    float[] y = new float[rows * outputs];
    for (int row = 0; row < rows; row++) {
      for (int output = 0; output < outputs; output++) {
        float sum = 0;
        for (int k = 0; k < depth; k++) {
          sum = Math.fma(x[row * depth + k], weights[output * depth + k], sum);
        }
        y[row * outputs + output] = sum;
      }
    }
    return y;
  }

  private static void assertProduct(
      PackedMatrix packed, float[] x, int rows, float[] expected, String what, ComputePool pool) {
    float[] y = new float[rows * packed.stride()];
    Arrays.fill(y, Float.NaN);
    packed.multiply(x, packed.depth(), rows, y, pool);
    for (int row = 0; row < rows; row++) {
      for (int output = 0; output < packed.outputs(); output++) {
        assertThat(y[row * packed.stride() + output])
            .as("%s: row %d, output %d", what, row, output)
            .isEqualTo(expected[row * packed.outputs() + output]);
      }
    }
  }

  private static void assertOutputsComeBack(PackedMatrix packed, float[] weights) {
    float[] row = new float[packed.depth() + 1];
    for (int output = 0; output < packed.outputs(); output++) {
      packed.readOutput(output, row, 1);
      int from = output * packed.depth();
      assertThat(Arrays.copyOfRange(row, 1, row.length))
          .isEqualTo(Arrays.copyOfRange(weights, from, from + packed.depth()));
    }
  }
}
