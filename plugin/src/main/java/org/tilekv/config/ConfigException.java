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
package org.tilekv.config;

import java.util.List;
import org.tilekv.TileKvException;

/** Settings that were refused; the message lists every problem that one parse found. */
public final class ConfigException extends TileKvException {
  private static final long serialVersionUID = 1L;

  private final String[] problems;

  ConfigException(String problem) {
    this(List.of(problem));
  }

  ConfigException(List<String> problems) {
    super(message(problems));
    this.problems = problems.toArray(String[]::new);
  }

  private static String message(List<String> problems) {
    return problems.size() == 1
        ? problems.get(0)
        : problems.size() + " problems in the settings:\n- " + String.join("\n- ", problems);
  }

  /** One sentence each, at least one. */
  public List<String> problems() {
    return List.of(problems);
  }
}
