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

import java.util.Arrays;
import org.tilekv.llm.ModelConfig.RopeScaling;

/**
 * Rotary position embedding with halves rotated against each other. Frequencies and angles are
 * float32 as in the checkpoints' own code, sines and cosines come from {@link StrictMath}: the same
 * bits on every machine.
 */
final class RopeTable {

  private static final int BLOCK = 256;

  private final float[] frequencies;
  private final int half;
  // [block][position in block][cos of each frequency, then sin of each]
  private float[][] blocks = new float[0][];

  RopeTable(ModelConfig config) {
    half = config.headDim() / 2;
    frequencies = new float[half];
    for (int i = 0; i < half; i++) {
      float exponent = (float) (2 * i) / config.headDim();
      float frequency = 1f / (float) StrictMath.pow(config.rope().theta(), exponent);
      RopeScaling scaling = config.rope().scaling();
      frequencies[i] = scaling == null ? frequency : scaled(frequency, scaling);
    }
  }

  private static float scaled(float frequency, RopeScaling s) {
    double stretched = frequency / s.factor();
    if (s.type().equals("linear")) {
      return (float) stretched;
    }
    double waveLength = 2 * Math.PI / frequency;
    if (waveLength > s.originalMaxPositions() / s.lowFreqFactor()) {
      return (float) stretched;
    }
    if (waveLength < s.originalMaxPositions() / s.highFreqFactor()) {
      return frequency;
    }
    double smooth =
        (s.originalMaxPositions() / waveLength - s.lowFreqFactor())
            / (s.highFreqFactor() - s.lowFreqFactor());
    return (float) ((1 - smooth) * stretched + smooth * frequency);
  }

  /** Makes positions below {@code end} available; called before a step's parallel part. */
  void prepare(int end) {
    int need = (end + BLOCK - 1) / BLOCK;
    int have = blocks.length;
    if (need <= have) {
      return;
    }
    blocks = Arrays.copyOf(blocks, need);
    for (int b = have; b < need; b++) {
      blocks[b] = block(b * BLOCK);
    }
  }

  private float[] block(int first) {
    float[] table = new float[BLOCK * 2 * half];
    for (int p = 0; p < BLOCK; p++) {
      for (int i = 0; i < half; i++) {
        float angle = (first + p) * frequencies[i];
        table[p * 2 * half + i] = (float) StrictMath.cos(angle);
        table[p * 2 * half + half + i] = (float) StrictMath.sin(angle);
      }
    }
    return table;
  }

  /** Blocks of 256 prepared positions, each {@code [position][2][headDim / 2]}: cosines, sines. */
  float[][] blocks() {
    return blocks;
  }

  /** Rotates one head's vector in place. */
  void rotate(float[] x, int at, int position) {
    float[] table = blocks[position / BLOCK];
    int cos = position % BLOCK * 2 * half;
    int sin = cos + half;
    for (int i = 0; i < half; i++) {
      float a = x[at + i];
      float b = x[at + half + i];
      x[at + i] = a * table[cos + i] - b * table[sin + i];
      x[at + half + i] = b * table[cos + i] + a * table[sin + i];
    }
  }
}
