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

import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;
import org.tilekv.engine.ModelRuntimes;

/**
 * Keeps KV tiles resident on the executors of an application. Switched on with {@code
 * spark.plugins=org.tilekv.spark.TileKvPlugin}; settings are {@code spark.tilekv.*}.
 *
 * <p>A misspelt or contradictory setting stops the application at its start. An executor that
 * cannot start its half exits with code {@value ExitCodes#INIT_FAILED}, one whose GPU context
 * breaks with code {@value ExitCodes#FATAL_DEVICE}.
 */
public final class TileKvPlugin implements SparkPlugin {

  @Override
  public DriverPlugin driverPlugin() {
    return new TileKvDriver();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new TileKvExecutor(ModelRuntimes::open, Gpus.CUDA, ExitCodes::exit);
  }
}
