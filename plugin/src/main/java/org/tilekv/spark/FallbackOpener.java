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
package org.tilekv.spark;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.engine.RuntimeOptions;

/** Opens models as asked, and on the CPU those that cannot run on the executor's GPU. */
final class FallbackOpener implements RuntimeOpener {

  private final RuntimeOpener opener;
  private final RuntimeOptions onCpu;
  private final Consumer<String> warn;

  FallbackOpener(RuntimeOpener opener, RuntimeOptions onCpu, Consumer<String> warn) {
    this.opener = opener;
    this.onCpu = onCpu;
    this.warn = warn;
  }

  @Override
  public ModelRuntime open(Path modelDirectory, RuntimeOptions options) {
    try {
      return opener.open(modelDirectory, options);
    } catch (DeviceUnavailableException e) {
      warn.accept("model " + modelDirectory + " runs on the CPU: " + e.getMessage());
      return opener.open(modelDirectory, onCpu.with(options.sources()));
    }
  }
}
