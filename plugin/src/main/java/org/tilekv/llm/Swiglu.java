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

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.tilekv.attention.TableExp;

/** {@code silu(gate) * up}, element by element; the scalar tail has the bits of the vectors. */
final class Swiglu {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

  private Swiglu() {}

  /** Gate and up are {@code n} elements each, at {@code gate} and {@code gate + n} of x. */
  static void apply(float[] x, int gate, int n, float[] y, int to) {
    int i = 0;
    for (; i + FLOATS.length() <= n; i += FLOATS.length()) {
      FloatVector g = FloatVector.fromArray(FLOATS, x, gate + i);
      FloatVector u = FloatVector.fromArray(FLOATS, x, gate + n + i);
      g.div(TableExp.exp(g.neg()).add(1f)).mul(u).intoArray(y, to + i);
    }
    for (; i < n; i++) {
      float g = x[gate + i];
      y[to + i] = g / (TableExp.exp(-g) + 1f) * x[gate + n + i];
    }
  }
}
