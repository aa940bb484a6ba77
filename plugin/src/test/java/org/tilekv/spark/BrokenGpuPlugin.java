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

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;
import org.slf4j.LoggerFactory;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.engine.ModelRuntimes;
import org.tilekv.engine.RuntimeOptions;

/**
 * The plugin as it is, but the first executor to open a model runs a kernel that writes out of
 * bounds once rows are on their way. Which one is first is settled by a file, {@code
 * TILEKV_FAULT_FILE} in the environment. For a GPU host; run by {@code
 * benchmarks/gpu/spark-job.sh}.
 */
public final class BrokenGpuPlugin implements SparkPlugin {

  private static final long ROWS_BEFORE = 100;

  @Override
  public DriverPlugin driverPlugin() {
    return new TileKvDriver();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new TileKvExecutor(BrokenGpuPlugin::open, Gpus.CUDA, ExitCodes::exit);
  }

  private static ModelRuntime open(Path model, RuntimeOptions options) {
    ModelRuntime runtime = ModelRuntimes.open(model, options);
    if (isFirst()) {
      DaemonThread.start("fault", () -> breakContext(runtime, options.device().ordinal()));
    }
    return runtime;
  }

  private static boolean isFirst() {
    try {
      Files.createFile(Path.of(System.getenv("TILEKV_FAULT_FILE")));
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void breakContext(ModelRuntime runtime, int ordinal) {
    while (runtime.engine().stats().rowsCompleted() < ROWS_BEFORE) {
      try {
        TimeUnit.MILLISECONDS.sleep(1);
      } catch (InterruptedException e) {
        return;
      }
    }
    LoggerFactory.getLogger(BrokenGpuPlugin.class)
        .warn("writing out of bounds after {} rows", runtime.engine().stats().rowsCompleted());
    CudaDevice device = CudaDevice.open(ordinal);
    CudaStream stream = device.createStream();
    new KernelModules(device)
        .function("test_kernels", "poke")
        .launch(stream, 1, 1, 1, 1, 0, new KernelArguments(1).setLong(0, 64));
  }
}
