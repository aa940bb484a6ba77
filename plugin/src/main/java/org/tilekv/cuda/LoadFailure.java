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

import java.util.List;

/** Says in one line why a native library did not load. */
final class LoadFailure {
  private LoadFailure() {}

  /** JNA and JCuda give many lines; the loader's own words come first, or second behind a colon. */
  static String oneLine(Throwable e) {
    List<String> lines = String.valueOf(e.getMessage()).lines().map(String::strip).toList();
    if (lines.isEmpty()) {
      return e.getClass().getSimpleName();
    }
    String first = lines.get(0);
    return first.endsWith(":") && lines.size() > 1 ? lines.get(1) : first;
  }
}
