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

import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.coordinator.ExecutorStats;

/**
 * What follows a failure that breaks the process: what can be found out goes to the log, once, and
 * the process ends, so that Spark starts another one. In local mode the process is the user's own:
 * it stays, and each task fails with the reason. Thread-safe.
 */
final class FatalExit implements BiConsumer<Throwable, ExecutorStats> {

  private static final Logger LOG = LoggerFactory.getLogger(FatalExit.class);
  private static final List<String> TOOL = List.of("nvidia-smi");
  private static final long TOOL_WAIT_MS = 5_000;

  private final String executorId;
  private final boolean local;
  private final IntConsumer exit;
  private boolean described;

  FatalExit(String executorId, boolean local, IntConsumer exit) {
    this.executorId = executorId;
    this.local = local;
    this.exit = exit;
  }

  /** The first caller describes; others wait for that. */
  @Override
  public synchronized void accept(Throwable failure, ExecutorStats stats) {
    if (!described) {
      described = true;
      LOG.error(GpuDiagnostics.describe(executorId, failure, stats, TOOL, TOOL_WAIT_MS), failure);
    }
    if (!local) {
      exit.accept(ExitCodes.FATAL_DEVICE);
    }
  }
}
