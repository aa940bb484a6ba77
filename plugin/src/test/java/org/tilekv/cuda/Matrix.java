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
package org.tilekv.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A row-major matrix whose values are exact in its type, and the plain product to compare with.
 *
 * @param magnitudes for a product the sum of the absolute values of its terms, else empty
 */
record Matrix(int rows, int columns, GemmType type, double[] values, double[] magnitudes) {

  static Matrix random(Random random, int rows, int columns, GemmType type) {
    double[] values = new double[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = decode(encode((float) random.nextGaussian(), type), type);
    }
    return new Matrix(rows, columns, type, values, new double[0]);
  }

  /** scale * a * b^T + bias, in fp64. */
  static Matrix product(Matrix a, Matrix b, @Nullable Matrix bias, double scale) {
    double[] values = new double[a.rows * b.rows];
    double[] magnitudes = new double[values.length];
    for (int i = 0; i < a.rows; i++) {
      for (int j = 0; j < b.rows; j++) {
        double sum = bias == null ? 0 : bias.values[j];
        double magnitude = Math.abs(sum);
        for (int p = 0; p < a.columns; p++) {
          double term = scale * a.values[i * a.columns + p] * b.values[j * a.columns + p];
          sum += term;
          magnitude += Math.abs(term);
        }
        values[i * b.rows + j] = sum;
        magnitudes[i * b.rows + j] = magnitude;
      }
    }
    return new Matrix(a.rows, b.rows, GemmType.FLOAT32, values, magnitudes);
  }

  ByteBuffer bytes() {
    ByteBuffer bytes = GpuFixture.direct((long) values.length * type.bytes());
    for (double value : values) {
      if (type == GemmType.FLOAT32) {
        bytes.putFloat((float) value);
      } else {
        bytes.putShort((short) encode((float) value, type));
      }
    }
    return bytes.rewind();
  }

  /**
   * Bounds the error by that of fp32 sums, tighter than TF32 reaches, and of rounding to the
   * output's type.
   */
  void check(ByteBuffer got, GemmType output) {
    for (int i = 0; i < values.length; i++) {
      double value =
          output == GemmType.FLOAT32 ? got.getFloat(4 * i) : decode(got.getShort(2 * i), output);
      double rounding =
          switch (output) {
            case FLOAT32 -> 0;
            case FLOAT16 -> Math.abs(values[i]) / 1024;
            case BFLOAT16 -> Math.abs(values[i]) / 128;
          };
      assertThat(Math.abs(value - values[i]))
          .as("element %d: %s for %s", i, value, values[i])
          .isLessThanOrEqualTo(2e-6 * magnitudes[i] + rounding);
    }
  }

  private static int encode(float value, GemmType type) {
    int bits = Float.floatToRawIntBits(value);
    return switch (type) {
      case FLOAT32 -> bits;
      case BFLOAT16 -> bits >>> 16;
      case FLOAT16 -> encodeHalf(value);
    };
  }

  private static double decode(int bits, GemmType type) {
    return switch (type) {
      case FLOAT32 -> Float.intBitsToFloat(bits);
      case BFLOAT16 -> Float.intBitsToFloat(bits << 16);
      case FLOAT16 -> decodeHalf(bits);
    };
  }

  /** Truncates; normal numbers only, smaller ones become 0. */
  private static int encodeHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int exponent = ((bits >>> 23) & 0xff) - 127 + 15;
    return exponent <= 0 ? sign : sign | exponent << 10 | (bits >>> 13) & 0x3ff;
  }

  private static double decodeHalf(int bits) {
    int exponent = (bits >>> 10) & 31;
    double magnitude =
        exponent == 0
            ? (bits & 0x3ff) * 0x1p-24
            : (1 + (bits & 0x3ff) / 1024.0) * Math.scalb(1.0, exponent - 15);
    return (bits & 0x8000) == 0 ? magnitude : -magnitude;
  }
}
