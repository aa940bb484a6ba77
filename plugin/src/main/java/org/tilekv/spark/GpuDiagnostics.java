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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.cuda.Cuda;

/** What can be found out about a broken GPU context without using it. */
final class GpuDiagnostics {

  private static final int MOST_CHARS = 16_000;

  private GpuDiagnostics() {}

  /**
   * Lines for the log: the failure, what was open, what had been done, and what the driver's own
   * tool says.
   *
   * @param tool command that describes the machine's GPUs; its output is awaited within {@code
   *     toolWaitMs}
   */
  static String describe(
      String executorId,
      Throwable failure,
      ExecutorStats stats,
      List<String> tool,
      long toolWaitMs) {
    return String.join(
        "\n",
        "the GPU context of executor " + executorId + " is broken: " + failure,
        "process: " + ProcessHandle.current().pid(),
        "open in CUDA: " + Cuda.usage(),
        "counters: " + stats,
        String.join(" ", tool) + ":",
        output(tool, toolWaitMs));
  }

  private static String output(List<String> tool, long waitMs) {
    try {
      Path file = Files.createTempFile("tilekv-gpu-", ".txt");
      try {
        return run(tool, waitMs, file);
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      return "not to be had: " + e.getMessage();
    }
  }

  private static String run(List<String> tool, long waitMs, Path file) throws IOException {
    Process process =
        new ProcessBuilder(tool).redirectErrorStream(true).redirectOutput(file.toFile()).start();
    String end = "";
    try {
      if (!process.waitFor(waitMs, TimeUnit.MILLISECONDS)) {
        end = "(did not end within " + waitMs + " ms)";
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      end = "(interrupted)";
    }
    process.destroyForcibly();
    String text = Files.readString(file, StandardCharsets.UTF_8).strip();
    return text.substring(0, Math.min(text.length(), MOST_CHARS)) + end;
  }
}
