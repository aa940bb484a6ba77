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

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.TileKvException;
import org.tilekv.llm.HeadSlice;
import org.tilekv.llm.HfConfigReader;

/** A model's directory as the driver sees it: a wrong one is refused before a job starts. */
final class ModelDirectory {

  private static final Logger LOG = LoggerFactory.getLogger(ModelDirectory.class);

  private ModelDirectory() {}

  /**
   * The path for the executors: absolute where the driver has the directory, otherwise as it is.
   *
   * @param model path or {@code file:} URI
   * @param local whether the executor is this process
   * @throws TileKvException where the directory is refused
   */
  static String resolve(String model, boolean local) {
    Path path = path(model);
    if (Files.exists(path)) {
      HfConfigReader.read(path);
      requireTokenizer(path);
      return path.toAbsolutePath().normalize().toString();
    }
    if (local || !path.isAbsolute()) {
      throw new TileKvException(
          "model directory " + path.toAbsolutePath() + " does not exist on the driver");
    }
    LOG.warn("model directory {} is not on the driver; only the executors can check it", path);
    return path.toString();
  }

  /** Refuses, where the driver has the directory, a model whose heads cannot be divided so. */
  static void requireHeadShards(String model, int shards) {
    Path path = path(model);
    if (Files.exists(path)) {
      HeadSlice.requireAllowed(HfConfigReader.read(path), shards);
    }
  }

  private static void requireTokenizer(Path directory) {
    if (!Files.isRegularFile(directory.resolve("tokenizer.json"))) {
      throw new TileKvException(
          "model directory " + directory + " has no tokenizer.json, which prompts need");
    }
  }

  private static Path path(String model) {
    try {
      return model.startsWith("file:") ? Path.of(URI.create(model).getPath()) : Path.of(model);
    } catch (IllegalArgumentException e) {
      throw new TileKvException("model '" + model + "' is no path: " + e.getMessage(), e);
    }
  }
}
