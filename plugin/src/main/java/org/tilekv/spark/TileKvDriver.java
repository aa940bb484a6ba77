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

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.TileKvException;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.Member;
import scala.Tuple2;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The driver's half: settles the configuration, runs the coordinator and answers the executors.
 * Messages come on Spark's one thread for all plugins; nothing here waits on it.
 */
final class TileKvDriver implements DriverPlugin {

  private static final Logger LOG = LoggerFactory.getLogger(TileKvDriver.class);
  private static final String LOCALITY_WAIT = "spark.locality.wait.process";

  /** In Spark's words on an executor that is gone. */
  private static final String DECOMMISSIONED = "decommission";

  /** An idle executor that is decommissioned may be gone within a second. */
  private static final long DECOMMISSION_POLL_MS = 200;

  private static volatile @Nullable TileKvDriver current;

  private final PlanCounters planCounters = new PlanCounters();
  private final ScheduledExecutorService ticker = DaemonThread.scheduler("tilekv-coordinator");
  private boolean stopping;
  private @Nullable Started started;
  private @Nullable DriverMetrics metrics;

  /** What there is once {@link #init} went well. */
  private record Started(SparkContext context, TileKvConfig config, Coordinator coordinator) {}

  /**
   * The driver's half of an application.
   *
   * @throws TileKvException where the plugin is not switched on
   */
  static TileKvDriver require(SparkContext context) {
    TileKvDriver driver = current;
    if (driver == null || driver.started().context() != context) {
      throw new TileKvException(
          "TileKV does not run in this application; set spark.plugins="
              + TileKvPlugin.class.getName()
              + " when it starts");
    }
    return driver;
  }

  /** Throws on a refused setting: Spark then stops the application with the message. */
  @Override
  public Map<String, String> init(SparkContext context, PluginContext plugin) {
    SparkConf conf = context.conf();
    TileKvConfig config = TileKvConfig.parse(entries(conf));
    if (!conf.contains(LOCALITY_WAIT)) {
      conf.set(LOCALITY_WAIT, config.get(Settings.LOCALITY_WAIT_MS) + "ms");
    }
    Coordinator coordinator =
        new Coordinator(config, () -> TimeUnit.NANOSECONDS.toMillis(System.nanoTime()));
    started = new Started(context, config, coordinator);
    context.addSparkListener(
        new SparkListener() {
          @Override
          public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
            if (removed.reason().contains(DECOMMISSIONED)) {
              coordinator.decommissioning(removed.executorId());
            }
            coordinator.executorLost(removed.executorId());
            LOG.info(
                "executor {} is gone ({}); its shards move, epoch {}",
                removed.executorId(),
                removed.reason(),
                coordinator.epoch());
          }
        });
    long intervalMs = config.get(Settings.HEARTBEAT_INTERVAL_MS);
    var unused =
        ticker.scheduleWithFixedDelay(this::tick, intervalMs, intervalMs, TimeUnit.MILLISECONDS);
    long pollMs = Math.min(intervalMs, DECOMMISSION_POLL_MS);
    var polling =
        ticker.scheduleWithFixedDelay(
            this::pollDecommissions, pollMs, pollMs, TimeUnit.MILLISECONDS);
    LOG.info("TileKV settings:\n{}", config.describe());
    current = this;
    conf.remove(Settings.TENANT_SALT.key());
    return forExecutors(config);
  }

  /** All settings, the tenant's salt sealed: it is not for others to read. */
  private static Map<String, String> forExecutors(TileKvConfig config) {
    Map<String, String> settings = new HashMap<>(config.toMap());
    settings.computeIfPresent(Settings.TENANT_SALT.key(), (key, salt) -> TenantSalts.seal(salt));
    return settings;
  }

  private static Map<String, String> entries(SparkConf conf) {
    Map<String, String> entries = new HashMap<>();
    for (Tuple2<String, String> entry : conf.getAll()) {
      entries.put(entry._1, entry._2);
    }
    return entries;
  }

  private Started started() {
    if (started == null) {
      throw new IllegalStateException("the plugin was not started");
    }
    return started;
  }

  @Override
  public void registerMetrics(String appId, PluginContext plugin) {
    metrics = new DriverMetrics(plugin.metricRegistry(), started().coordinator());
    metrics.add(planCounters);
  }

  /** Bytes in, bytes out; classes of ours would need the executors' RPC to know our jar. */
  @Override
  public @Nullable Object receive(Object message) {
    if (!(message instanceof byte[] bytes)) {
      LOG.warn("ignored a plugin message of class {}", message.getClass().getName());
      return null;
    }
    return started().coordinator().receive(bytes);
  }

  private void tick() {
    try {
      Started now = started();
      for (String executor : now.coordinator().tick()) {
        LOG.warn("executor {} is silent; its shards move", executor);
      }
      now.coordinator().stopReason().ifPresent(this::stopApplication);
      if (metrics != null) {
        metrics.addNewExecutors();
      }
    } catch (RuntimeException e) {
      LOG.warn("the coordinator's tick failed", e);
    }
  }

  /** Spark has no event for it before the executor is gone. */
  private void pollDecommissions() {
    try {
      Coordinator coordinator = started().coordinator();
      for (String id : Decommissions.among(started().context(), coordinator.placeableIds())) {
        if (coordinator.decommissioning(id)) {
          List<String> to = coordinator.newOwners(id).stream().map(Member::executorId).toList();
          LOG.info("executor {} is being decommissioned; its shards go to executors {}", id, to);
        }
      }
    } catch (RuntimeException e) {
      LOG.warn("looking for decommissioned executors failed", e);
    }
  }

  /** Spark itself would start failing executors again without end. */
  private void stopApplication(String reason) {
    if (stopping) {
      return;
    }
    stopping = true;
    LOG.error("TileKV stops the application: {}", reason);
    SparkContext context = started().context();
    DaemonThread.start(
        "tilekv-stop",
        () -> {
          for (int job : context.statusTracker().getActiveJobIds()) {
            context.cancelJob(job, "TileKV stops the application: " + reason);
          }
          context.stop();
        });
  }

  Coordinator coordinator() {
    return started().coordinator();
  }

  TileKvConfig config() {
    return started().config();
  }

  /**
   * The settings as they hold for a job of this session.
   *
   * @throws org.tilekv.config.ConfigException where the session changes what was settled at start
   */
  TileKvConfig settings(SparkSession session) {
    sealSalt(session);
    return started().config().forJob(CollectionConverters.asJava(session.conf().getAll()));
  }

  /** What the planner of a job asks. */
  PlanDriver planDriver(int groups) {
    return new PlanDriver(
        started().coordinator(),
        placement(groups),
        planCounters,
        started().context().defaultParallelism());
  }

  /** Spark sends a session's settings along with its tasks: the salt stays here. */
  private static void sealSalt(SparkSession session) {
    String key = Settings.TENANT_SALT.key();
    String salt = session.conf().get(key, null);
    if (salt != null && !TenantSalts.isSealed(salt)) {
      session.conf().set(key, TenantSalts.seal(Settings.TENANT_SALT.parse(salt)));
    }
  }

  /** Where the partitions of a job should run. */
  PlacedRdd.Placement placement(int groups) {
    return new ShardPlacement(started().coordinator(), groups);
  }

  /**
   * How the rows of a job are spread over cells.
   *
   * @throws TileKvException where this application or the model cannot have such cells
   */
  CellRdd.Plan cells(GenerateSpec spec) {
    Started now = started();
    int shards = now.config().get(Settings.HEAD_SHARDS);
    CellSlots.requireBarrierStages(now.context().conf());
    ModelDirectory.requireHeadShards(spec.model(), shards);
    CellSlots slots = new CellSlots(now.coordinator(), now.context().conf());
    long limitMs = now.config().get(Settings.HEAD_SHARDS_TIMEOUT_MS);
    return new CellRdd.Plan(
        partitions -> new CellLayout(partitions, slots.cells(shards, partitions), shards),
        layout -> new CellPlacement(now.coordinator(), slots, layout),
        layout -> new CellTask(spec, layout, limitMs));
  }

  @Override
  public void shutdown() {
    if (current == this) {
      current = null;
    }
    ticker.shutdownNow();
  }
}
