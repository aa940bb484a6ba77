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
package org.tilekv.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said where there is no GPU; passes on machines with one, too. */
class CudaAvailabilityTest {

  @Test
  void theReasonIsOneClearLine() {
    String reason = Cuda.unavailableReason();
    Assumptions.assumeTrue(reason != null, "CUDA is available");
    assertThat(reason).startsWith("CUDA is not available: ").doesNotContain("\n");
    assertThat(Cuda.unavailableReason()).isSameAs(reason);
    assertThatThrownBy(() -> CudaDevice.open(0))
        .isInstanceOf(CudaUnavailableException.class)
        .hasMessage(reason);
    assertThatThrownBy(Cuda::deviceCount).hasMessage(reason);
    assertThat(Cublas.unavailableReason()).isEqualTo(reason);
  }

  @Test
  void jcudaComesFromItsOwnDirectory() {
    String before = System.getProperty("java.io.tmpdir");
    JCudaOutcome outcome = JCudaOutcome.load();
    assertThat(System.getProperty("java.io.tmpdir")).isEqualTo(before);
    if (Cuda.unavailableReason() == null) {
      assertThat(outcome.failure()).isNull();
    }
    assertThat(Path.of(before).toFile().list((d, name) -> name.startsWith("libJCuda"))).isEmpty();
  }

  private record JCudaOutcome(@Nullable Throwable failure) {
    static JCudaOutcome load() {
      try {
        JCudaLoader.load();
        return new JCudaOutcome(null);
      } catch (LinkageError e) {
        return new JCudaOutcome(e);
      }
    }
  }

  @Test
  void aMissingLibraryIsNamedWithWhatWasTried(@TempDir Path folder) {
    UserLibrary library =
        new UserLibrary("cuBLAS", List.of("libnone.so.13", "libnone.so.12"), "tilekv.none.path");
    assertThatThrownBy(() -> library.load(null, List.of(folder)))
        .isInstanceOf(CudaUnavailableException.class)
        .hasMessageStartingWith(
            "cuBLAS is not available: install libnone.so.13 or libnone.so.12 of the CUDA toolkit")
        .hasMessageContaining("-Dtilekv.none.path")
        .hasMessageContaining("libnone.so.12: ");
    assertThatThrownBy(() -> library.load(folder.toString(), List.of()))
        .hasMessageContaining(folder.resolve("libnone.so.13").toString());
    assertThatThrownBy(() -> library.load("/no/such/file.so", List.of()))
        .hasMessageContaining("/no/such/file.so: ");
  }

  @Test
  void nvrtcSaysThatItIsMissing() {
    String reason = Nvrtc.unavailableReason();
    Assumptions.assumeTrue(reason != null, "NVRTC is available");
    assertThat(reason).startsWith("NVRTC is not available: ").doesNotContain("\n");
    assertThatThrownBy(() -> Nvrtc.compile("a.cu", "", Map.of(), "sm_90", List.of()))
        .isInstanceOf(CudaUnavailableException.class)
        .hasMessage(reason);
  }
}
