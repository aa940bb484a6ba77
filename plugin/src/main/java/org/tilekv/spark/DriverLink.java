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

import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.spark.api.plugin.PluginContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.coordinator.ExecutorReporter;
import org.tilekv.coordinator.ExecutorReporter.Next;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.InitFailure;
import org.tilekv.coordinator.Messages;
import org.tilekv.coordinator.Register;

/**
 * Sends what an {@link ExecutorReporter} has to say, as bytes: the driver may not know classes of
 * jars that came later. All of it happens on one daemon thread, which owns the mutable fields; a
 * driver that does not answer costs a log line, never a task.
 */
final class DriverLink implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(DriverLink.class);
  private static final long REPORT_WAIT_MS = 2_000;

  /** Registration, heartbeat, and the full one that the driver may ask for. */
  private static final int MOST_IN_A_ROW = 3;

  /** Has a part in the heartbeats; called by the thread that sends them. */
  interface Listener {

    Listener NONE =
        new Listener() {
          @Override
          public void beforeBeat(ExecutorReporter reporter) {}

          @Override
          public void afterBeat(ExecutorReporter reporter) {}
        };

    /** The next heartbeat is about to be made. */
    void beforeBeat(ExecutorReporter reporter);

    /** The driver has answered. */
    void afterBeat(ExecutorReporter reporter);
  }

  private final PluginContext context;
  private final Listener listener;
  private final ExecutorReporter reporter;
  private final long intervalMs;
  private final Supplier<ExecutorStats> stats;
  private final ScheduledExecutorService thread = DaemonThread.scheduler("tilekv-heartbeat");
  private boolean unwanted;
  private boolean failedBefore;

  DriverLink(
      PluginContext context,
      Register registration,
      long intervalMs,
      Supplier<ExecutorStats> stats,
      Listener listener) {
    this.listener = listener;
    this.context = context;
    this.reporter = new ExecutorReporter(registration);
    this.intervalMs = intervalMs;
    this.stats = stats;
  }

  /** Registers, so that tasks find the executor in the shard map, and begins to send heartbeats. */
  void start() {
    reportNow();
    var unused =
        thread.scheduleWithFixedDelay(this::beat, intervalMs, intervalMs, TimeUnit.MILLISECONDS);
  }

  /** Sends the counters now and waits, for a short time, until the driver has them. */
  void reportNow() {
    try {
      thread.submit(this::beat).get(REPORT_WAIT_MS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException | RejectedExecutionException e) {
      LOG.debug("the driver has not taken the counters yet", e);
    } catch (ExecutionException e) {
      LOG.warn("the counters could not be sent", e.getCause());
    }
  }

  private void beat() {
    try {
      listener.beforeBeat(reporter);
      Next next = Next.AT_ONCE;
      for (int i = 0; i < MOST_IN_A_ROW && next == Next.AT_ONCE && !unwanted; i++) {
        next = reporter.answered((byte[]) context.ask(reporter.next(stats.get())));
        unwanted = next == Next.NEVER;
      }
      failedBefore = false;
      listener.afterBeat(reporter);
    } catch (Throwable e) {
      // An error that got out would end all later beats without a word.
      if (!failedBefore) {
        LOG.warn("no heartbeat reaches the driver; trying every {} ms", intervalMs, e);
      }
      failedBefore = true;
    }
  }

  /** Tells the driver why this executor cannot start; never throws. */
  static void reportInitFailure(PluginContext context, Supplier<String> host, Throwable why) {
    try {
      InitFailure failure = new InitFailure(context.executorID(), host.get(), why.toString());
      context.ask(Messages.encode(failure));
    } catch (Throwable e) {
      LOG.warn("the driver could not be told", e);
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
