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
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.storage.BlockManagerId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.TileKvException;
import org.tilekv.config.Device;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.Register;
import org.tilekv.engine.DeviceChoice;
import org.tilekv.engine.HeadShard;
import org.tilekv.engine.PrefixSources;
import org.tilekv.engine.RuntimeOptions;

/**
 * The executor's half: owns the models of this process, registers with the driver and reports to
 * it. In local mode it lives beside the driver's half, as executor {@code driver}.
 */
final class TileKvExecutor implements ExecutorPlugin {

  private static final Logger LOG = LoggerFactory.getLogger(TileKvExecutor.class);
  private static volatile @Nullable TileKvExecutor current;
  private static volatile @Nullable Throwable startFailure;

  private final RuntimeOpener opener;
  private final Gpus gpus;
  private final IntConsumer exit;
  private final MemberInstances members = new MemberInstances();
  private @Nullable Started started;
  private @Nullable ExecutorTransport transport;
  private @Nullable CellExchange cells;

  /**
   * @param opener opens models
   * @param exit ends the process where this half cannot start or go on
   */
  TileKvExecutor(RuntimeOpener opener, Gpus gpus, IntConsumer exit) {
    this.opener = opener;
    this.gpus = gpus;
    this.exit = exit;
  }

  /** What there is once {@link #init} went well. */
  private record Started(
      ExecutorRuntimes runtimes,
      RuntimeOptions options,
      TileKvConfig config,
      DriverLink link,
      PluginContext context,
      @Nullable PeerTransfers peers) {}

  /**
   * This process's half of the plugin.
   *
   * @throws TileKvException where it is not switched on, or could not start
   */
  static TileKvExecutor require() {
    TileKvExecutor executor = current;
    Throwable failure = startFailure;
    if (executor == null && failure != null) {
      throw new TileKvException(
          "TileKV could not start on this executor: " + failure.getMessage(), failure);
    }
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
      startFailure = null;
      current = this;
    } catch (Throwable e) {
      startFailure = e;
      LOG.error("TileKV cannot start on executor {}", context.executorID(), e);
      DriverLink.reportInitFailure(context, () -> host(context), e);
      if (!isLocal(context)) {
        exit.accept(ExitCodes.INIT_FAILED);
      }
    }
  }

  private Started start(PluginContext context, TileKvConfig config) {
    ExecutorDevice device = ExecutorDevice.of(config, context.resources(), gpus, LOG::warn);
    long heapBytes = Runtime.getRuntime().maxMemory();
    int cores = ExecutorCores.of(context.conf());
    TileKvConfig settled = config.on(device.device());
    PeerTransfers peers = peers(context, config, cores);
    PrefixSources tiers = LowerTiers.of(settled, LowerTiers::localDirectories);
    PrefixSources sources = PrefixSources.all(tiers, peers == null ? PrefixSources.NONE : peers);
    RuntimeOptions options =
        RuntimeSettings.options(settled, cores, heapBytes, device.choice()).with(sources);
    long poolBytes =
        device.choice().isGpu()
            ? device.poolBytes()
            : RuntimeSettings.poolBudgetBytes(config, heapBytes);
    ExecutorRuntimes runtimes = runtimes(context, config, cores, poolBytes);
    long registered = options.poolBytesOf(poolBytes);
    DriverLink link =
        register(
            context,
            config,
            runtimes,
            peers,
            new Register(
                context.executorID(),
                host(context),
                cores,
                registered,
                peers == null ? 0 : peers.port()));
    LOG.info(
        "TileKV runs on executor {} on {} with {} threads and at most {} bytes for a pool",
        context.executorID(),
        device.text(),
        options.threads(),
        registered);
    LOG.info("TileKV settings of this executor:\n{}", settled.describe());
    return new Started(runtimes, options, settled, link, context, peers);
  }

  private static DriverLink register(
      PluginContext context,
      TileKvConfig config,
      ExecutorRuntimes runtimes,
      @Nullable PeerTransfers peers,
      Register registration) {
    Supplier<ExecutorStats> stats = stats(runtimes, peers);
    StatsGauges.register(context.metricRegistry(), "", stats);
    long intervalMs = config.get(Settings.HEARTBEAT_INTERVAL_MS);
    DriverLink link =
        new DriverLink(
            context,
            registration,
            intervalMs,
            stats,
            peers == null ? DriverLink.Listener.NONE : peers);
    link.start();
    return link;
  }

  private static Supplier<ExecutorStats> stats(
      ExecutorRuntimes runtimes, @Nullable PeerTransfers peers) {
    return peers == null ? runtimes::stats : () -> runtimes.stats().plus(peers.stats());
  }

  /** Null in local mode, where it is switched off, or where it cannot listen. */
  private @Nullable PeerTransfers peers(PluginContext context, TileKvConfig config, int cores) {
    SparkEnv env = SparkEnv.get();
    if (isLocal(context) || env == null || !config.get(Settings.PEER_ENABLED)) {
      return null;
    }
    try {
      ExecutorTransport listening = listen(env, host(context), config);
      return new PeerTransfers(
          PeerOptions.of(context.executorID(), config),
          listening,
          message -> (byte[]) context.ask(message));
    } catch (IOException e) {
      LOG.warn("no tiles are exchanged with other executors", e);
      return null;
    }
  }

  private synchronized ExecutorTransport listen(SparkEnv env, String host, TileKvConfig config)
      throws IOException {
    SparkConf conf =
        env.conf()
            .clone()
            .setIfMissing(
                "spark.tilekv.io.connectionCreationTimeout",
                config.get(Settings.PEER_TIMEOUT_MS) + "ms");
    int port = config.get(Settings.PEER_PORT);
    transport = ExecutorTransport.start(conf, env.securityManager(), host, port);
    return transport;
  }

  private ExecutorRuntimes runtimes(
      PluginContext context, TileKvConfig config, int cores, long poolBytes) {
    RuntimeOptions onCpu =
        RuntimeSettings.options(
            config.on(Device.CPU), cores, Runtime.getRuntime().maxMemory(), DeviceChoice.CPU);
    RuntimeOpener models =
        config.get(Settings.DEVICE) == Device.AUTO
            ? new FallbackOpener(opener, onCpu, LOG::warn)
            : opener;
    FatalExit fatal = new FatalExit(context.executorID(), isLocal(context), exit);
    return new ExecutorRuntimes(models, poolBytes, System::nanoTime, fatal);
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
   * As {@link #acquire}, a part of a model for a member of a cell.
   *
   * @param roster all members of the stage; those in this process share its pool and its threads
   */
  RuntimeLease acquireMember(
      String model, HeadShard shard, CellRoster roster, long owner, Runnable checkpoint)
      throws InterruptedException {
    RuntimeOptions own = started().options();
    int threads = Math.max(1, own.threads() / roster.mostInOneProcess());
    RuntimeOptions options = own.ofMember(shard, roster.poolBytes(), threads);
    return started().runtimes().acquire(model, options, owner, checkpoint);
  }

  /** The models that are open in this process. */
  List<ExecutorRuntimes.OpenModel> openModels() {
    return started().runtimes().openModels();
  }

  /** Bytes of one page pool of this process. */
  long poolBytes() {
    return started().options().poolBytes();
  }

  String executorId() {
    return started().context().executorID();
  }

  /** Parts of models that members of cells hold in this process. */
  MemberInstances members() {
    return members;
  }

  /** Messages to and from other executors; the server starts when it is first asked for. */
  synchronized ExecutorTransport transport() {
    if (transport == null) {
      try {
        return listen(SparkEnv.get(), host(started().context()), started().config());
      } catch (IOException e) {
        throw new TileKvException("this executor cannot listen to others: " + e.getMessage(), e);
      }
    }
    return transport;
  }

  /** Messages between the members of cells. */
  synchronized CellExchange cells() {
    if (cells == null) {
      cells = new CellExchange(transport());
    }
    return cells;
  }

  /** Rows that a task keeps submitted where its job says nothing. */
  int rowsInFlight() {
    return started().config().get(Settings.ROWS_IN_FLIGHT_PER_TASK);
  }

  /**
   * Sends the counters now and waits, within a bound, until the driver has them: called at the end
   * of a task, so that the driver's numbers are complete when a job is.
   */
  void reportNow() {
    started().link().reportNow();
  }

  private static void stop(Started started) {
    PeerTransfers peers = started.peers();
    if (peers != null) {
      peers.finishHandover();
    }
    started.link().close();
    started.runtimes().close();
    if (peers != null) {
      peers.close();
    }
  }

  @Override
  public void shutdown() {
    if (current == this) {
      current = null;
    }
    startFailure = null;
    if (started != null) {
      stop(started);
    }
    closeTransport();
  }

  private synchronized void closeTransport() {
    if (transport != null) {
      transport.close();
      transport = null;
      cells = null;
    }
  }
}
