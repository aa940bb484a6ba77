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

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;
import org.jspecify.annotations.Nullable;

/** The plugin with a {@link FakeRuntime} for every model, also on executors in other processes. */
public final class FakeTileKvPlugin implements SparkPlugin {

  static final AtomicInteger OPENED = new AtomicInteger();
  static final AtomicReference<@Nullable FakeRuntime> LATEST = new AtomicReference<>();

  @Override
  public DriverPlugin driverPlugin() {
    return new TileKvDriver();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new TileKvExecutor(
        (model, options) -> {
          OPENED.incrementAndGet();
          FakeRuntime runtime = new FakeRuntime();
          LATEST.set(runtime);
          return runtime;
        },
        FakeGpus.NONE,
        ExitCodes::exit);
  }
}
