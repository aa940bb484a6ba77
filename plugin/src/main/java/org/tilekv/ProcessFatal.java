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
package org.tilekv;

import org.jspecify.annotations.Nullable;

/**
 * Marks a failure after which this process cannot do its work any more, whatever is tried: it has
 * to be replaced. Implemented by exceptions.
 */
public interface ProcessFatal {

  /** The first such failure in a chain of causes, or null. */
  static @Nullable Throwable in(@Nullable Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof ProcessFatal) {
        return e;
      }
    }
    return null;
  }
}
