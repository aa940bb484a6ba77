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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.cuda.CudaFailures;

class FatalExitTest {

  private final List<Integer> exits = new ArrayList<>();

  @Test
  void anExecutorExitsWithItsOwnCode() {
    FatalExit fatal = new FatalExit("3", false, exits::add);
    fatal.accept(CudaFailures.illegalAddress(), ExecutorStats.ZERO);
    assertThat(exits).containsExactly(ExitCodes.FATAL_DEVICE);
    assertThat(ExitCodes.FATAL_DEVICE).isNotEqualTo(ExitCodes.INIT_FAILED);
  }

  @Test
  void inLocalModeTheUsersProcessStays() {
    new FatalExit("driver", true, exits::add)
        .accept(CudaFailures.illegalAddress(), ExecutorStats.ZERO);
    assertThat(exits).isEmpty();
  }

  @Test
  void theDescriptionHasFailureUsageCountersAndTheToolsOutput() {
    assertThat(describe(List.of("sh", "-c", "echo GPU 0: 85 C; exit 3"), 10_000))
        .contains("executor 3 is broken")
        .contains("CUDA_ERROR_ILLEGAL_ADDRESS (700)")
        .contains("open in CUDA: device bytes")
        .contains("counters: ExecutorStats[")
        .endsWith("GPU 0: 85 C");
  }

  @Test
  void aToolThatIsMissingOrHangsCostsALine() {
    assertThat(describe(List.of("/no/such/tool"), 10_000)).contains("not to be had: ");
    assertThat(describe(List.of("sh", "-c", "echo begun; sleep 60"), 300))
        .contains("(did not end within 300 ms)");
  }

  private static String describe(List<String> tool, long waitMs) {
    return GpuDiagnostics.describe(
        "3", CudaFailures.illegalAddress(), ExecutorStats.ZERO, tool, waitMs);
  }
}
