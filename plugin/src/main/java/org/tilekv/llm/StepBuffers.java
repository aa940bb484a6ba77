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

/** Activations of one step, row by row; they grow to the largest step seen and are used again. */
final class StepBuffers {

  /** Position of each token in its sequence {@code [tokens]}. */
  int[] positions = {};

  /** Residual stream {@code [tokens, hidden]}. */
  float[] stream = {};

  /** Normed input of a projection {@code [tokens, hidden]}. */
  float[] normed = {};

  /** Q, K and V {@code [tokens, stride]}. */
  float[] qkv = {};

  /** Attention output {@code [tokens, queryHeads * headDim]}. */
  float[] attended = {};

  /** Gate and up {@code [tokens, stride]}. */
  float[] gateUp = {};

  /** Activated MLP input {@code [tokens, intermediate]}. */
  float[] activated = {};

  /** Output of attention or MLP before it is added to the stream {@code [tokens, stride]}. */
  float[] projected = {};

  /** Logits with padding {@code [rows, stride]}. */
  float[] logits = {};

  static float[] grown(float[] buffer, int elements) {
    return buffer.length >= elements
        ? buffer
        : new float[Math.max(elements, buffer.length + buffer.length / 2)];
  }
}
