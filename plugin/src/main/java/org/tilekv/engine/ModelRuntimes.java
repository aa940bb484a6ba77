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

import java.nio.file.Path;

/** Opens models for this process. */
public final class ModelRuntimes {

  private ModelRuntimes() {}

  /**
   * Loads a Hugging Face directory and starts its engine; of a member of a cell, a {@link
   * CellModel}, which has one while it leads.
   *
   * @throws org.tilekv.DeviceUnavailableException where a GPU was chosen and the model cannot run
   *     on it here
   * @throws org.tilekv.TileKvException where the directory, its architecture or an option is
   *     refused; the message names what was found and what is allowed
   */
  public static ModelRuntime open(Path modelDirectory, RuntimeOptions options) {
    return options.shard().isPart()
        ? new CellModel(modelDirectory, options)
        : new LoadedModel(modelDirectory, options);
  }
}
