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
package org.tilekv.engine;

/**
 * How the next token is chosen.
 *
 * @param temperature 0 for greedy
 * @param topK keep the k likeliest tokens, 0 for all
 * @param topP keep the likeliest tokens whose probabilities sum to p, 1 for all
 * @param seed job seed; a row draws from (seed, row key, position)
 */
public record SamplingParams(double temperature, int topK, double topP, long seed) {

  /** The likeliest token, always. */
  public static final SamplingParams GREEDY = new SamplingParams(0, 0, 1, 0);

  public SamplingParams {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + "; allowed are 0 (greedy) and positive numbers");
    }
    if (topK < 0) {
      throw new IllegalArgumentException("topK is " + topK + "; allowed are 0 (all) and above");
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("topP is " + topP + "; allowed is above 0 up to 1");
    }
  }
}
