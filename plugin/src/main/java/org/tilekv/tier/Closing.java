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
package org.tilekv.tier;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Runs all steps of a close, whatever fails on the way. Confined to one thread. */
final class Closing {
  /** One step. */
  interface Step {
    void run() throws IOException;
  }

  private @Nullable IOException first;

  void run(Step step) {
    try {
      step.run();
    } catch (IOException e) {
      if (first == null) {
        first = e;
      } else {
        first.addSuppressed(e);
      }
    }
  }

  void throwFirst() throws IOException {
    if (first != null) {
      throw first;
    }
  }
}
