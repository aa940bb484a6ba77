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

import java.util.Map;
import java.util.function.IntConsumer;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.storage.BlockManagerId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.TileKvException;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.Register;
import org.tilekv.engine.RuntimeOptions;

/**
 * The executor's half: owns the models of this process, registers with the driver and reports to
 * it. In local mode it lives beside the driver's half, as executor {@code driver}.
 */
final class TileKvExecutor implements ExecutorPlugin {

  private static final Logger LOG = LoggerFactory.getLogger(TileKvExecutor.class);
  private static volatile @Nullable TileKvExecutor current;

  private final RuntimeOpener opener;
  private final IntConsumer exit;
  private @Nullable Started started;

  /**
   * @param opener opens models
   * @param exit ends the process where this half cannot start
   */
  TileKvExecutor(RuntimeOpener opener, IntConsumer exit) {
    this.opener = opener;
    this.exit = exit;
  }

  /** What there is once {@link #init} went well. */
  private record Started(ExecutorRuntimes runtimes, RuntimeOptions options, DriverLink link) {}

  /**
   * This process's half of the plugin.
   *
   * @throws TileKvException where it is not switched on
   */
  static TileKvExecutor require() {
    TileKvExecutor executor = current;
    if (executor == null) {
      throw new TileKvException(
          "TileKV does not run on this executor; set spark.plugins="
              + TileKvPlugin.class.getName()
              + " when the application starts, and see this executor's log");
    }
    return executor;
  }

  /** Never throws: Spark would start the same executor again without end. */
  @Override
  public void init(PluginContext context, Map<String, String> settings) {
    try {
      started = start(context, TileKvConfig.fromMap(settings));
      current = this;
    } catch (Throwable e) {
      LOG.error("TileKV cannot start on executor {}", context.executorID(), e);
      DriverLink.reportInitFailure(context, () -> host(context), e);
      if (!isLocal(context)) {
        exit.accept(ExitCodes.INIT_FAILED);
      }
    }
  }

  private Started start(PluginContext context, TileKvConfig config) {
    long heapBytes = Runtime.getRuntime().maxMemory();
    int cores = ExecutorCores.of(context.conf());
    RuntimeOptions options = RuntimeSettings.options(config, cores, heapBytes);
    ExecutorRuntimes runtimes =
        new ExecutorRuntimes(
            opener, RuntimeSettings.poolBudgetBytes(config, heapBytes), System::nanoTime);
    StatsGauges.register(context.metricRegistry(), "", runtimes::stats);
    Register registration =
        new Register(context.executorID(), host(context), cores, options.poolBytes());
    DriverLink link =
        new DriverLink(
            context, registration, config.get(Settings.HEARTBEAT_INTERVAL_MS), runtimes::stats);
    link.start();
    LOG.info(
        "TileKV runs on executor {} with {} threads and a pool of {} bytes",
        context.executorID(),
        options.threads(),
        options.poolBytes());
    return new Started(runtimes, options, link);
  }

  /**
   * The host as Spark's scheduler knows it. {@code PluginContext.hostname} fails on executors; the
   * block manager has no id yet in local mode.
   */
  private static String host(PluginContext context) {
    SparkEnv env = SparkEnv.get();
    BlockManagerId id = env == null ? null : env.blockManager().blockManagerId();
    return id == null ? context.hostname() : id.host();
  }

  private static boolean isLocal(PluginContext context) {
    return context.executorID().equals("driver");
  }

  private Started started() {
    if (started == null) {
      throw new IllegalStateException("the plugin was not started");
    }
    return started;
  }

  /** As {@link ExecutorRuntimes#acquire}, with this process's options. */
  RuntimeLease acquire(String model, long owner, Runnable checkpoint) throws InterruptedException {
    return started().runtimes().acquire(model, started().options(), owner, checkpoint);
  }

  /**
   * Sends the counters now and waits, within a bound, until the driver has them: called at the end
   * of a task, so that the driver's numbers are complete when a job is.
   */
  void reportNow() {
    started().link().reportNow();
  }

  @Override
  public void shutdown() {
    if (current == this) {
      current = null;
    }
    if (started != null) {
      started.link().close();
      started.runtimes().close();
    }
  }
}
