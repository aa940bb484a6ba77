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

import java.util.concurrent.TimeUnit;
import org.slf4j.LoggerFactory;

/** How an executor that cannot go on ends, so that Spark replaces it. */
final class ExitCodes {

  /** The executor's half of the plugin could not start; the driver was told why. */
  static final int INIT_FAILED = 81;

  /** A CUDA context is broken; what was found out about it is in the executor's log. */
  static final int FATAL_DEVICE = 82;

  private static final long HALT_AFTER_MS = 10_000;

  private ExitCodes() {}

  /** Ends the process; where its shutdown hooks hang, by force after {@value #HALT_AFTER_MS} ms. */
  static void exit(int code) {
    DaemonThread.start(
        "tilekv-halt",
        () -> {
          try {
            TimeUnit.MILLISECONDS.sleep(HALT_AFTER_MS);
          } catch (InterruptedException e) {
            // Halt at once.
          }
          Runtime.getRuntime().halt(code);
        });
    LoggerFactory.getLogger(ExitCodes.class).error("exiting with code {}", code);
    System.exit(code);
  }
}
