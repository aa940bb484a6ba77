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
package org.tilekv.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.KvDtype;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaUsage;
import org.tilekv.engine.Records.Row;

/** Where device memory is short: at the start, and while rows run. */
@Tag("gpu")
class CudaPressureGpuTest {
  private static final long POOL_BYTES = 256L << 20;
  private static final Pattern POOL = Pattern.compile("pool (\\d+) exact (\\d+) of (\\d+)");

  @AfterEach
  void nothingStaysOpen() {
    assertThat(Cuda.usage()).matches(CudaUsage::isEmpty, "nothing is open");
  }

  private static ModelRuntime open(long poolBytes, double share) {
    EngineConfig engine = new EngineConfig(256, 4096, 2048, 60_000, true, false);
    RuntimeOptions options =
        new RuntimeOptions(64, KvDtype.FLOAT32, 1, 2, 0, "auto", "auto", 60_000, null, engine);
    return ModelRuntimes.open(Records.MODEL, options.on(DeviceChoice.gpu(0, poolBytes, share)));
  }

  private static long exact(ModelRuntime runtime, List<Row> rows) {
    List<String> answers = Records.texts(runtime, rows, 1);
    long exact = 0;
    for (int i = 0; i < rows.size(); i++) {
      exact += rows.get(i).expected().equals(answers.get(i)) ? 1 : 0;
    }
    return exact;
  }

  private static long poolBytes(ModelRuntime runtime) {
    return (long) runtime.cache().stats().pages() * runtime.cache().geometry().tileBytes();
  }

  @Test
  void aPoolLargerThanTheDeviceIsMadeSmaller() throws IOException {
    long total = Cuda.devices().get(0).totalBytes();
    List<Row> rows = Records.all().subList(0, 200);
    try (ModelRuntime runtime = open(4 * total, 0)) {
      long pool = poolBytes(runtime);
      System.out.printf("asked for %d of a device of %d bytes, got %d%n", 4 * total, total, pool);
      assertThat(pool).isBetween(total / 2, total);
      assertThat(exact(runtime, rows)).isEqualTo(rows.size());
    }
  }

  @Test
  void rowsAreRightWhereAnotherProcessTakesAllTheRest() throws Exception {
    List<Row> rows = Records.all().subList(0, 600);
    try (ModelRuntime cold = open(POOL_BYTES, 0);
        ModelRuntime warm = open(POOL_BYTES, 0)) {
      assertThat(exact(warm, rows.subList(0, 100))).isEqualTo(100);
      try (ChildJvm hog = new ChildJvm(DeviceMemoryHog.class)) {
        System.out.println("another process is " + hog.awaitLine("holding"));
        // The one has not run a step before, the other needs graphs for other batch sizes.
        assertThat(exact(cold, rows)).isEqualTo(rows.size());
        assertThat(exact(warm, rows)).isEqualTo(rows.size());
        System.out.println("meanwhile 2 x 600 of 2 x 600 rows are exact, " + Cuda.usage());
        assertThatThrownBy(() -> open(POOL_BYTES, 0).close())
            .isInstanceOf(DeviceUnavailableException.class)
            .satisfies(e -> System.out.println("a third model is refused: " + e.getMessage()));
        hog.end(0);
      }
      assertThat(exact(warm, rows)).isEqualTo(rows.size());
    }
  }

  @Test
  void processesThatStartTogetherShareWhatThereIs() throws Exception {
    List<ChildJvm> children = new ArrayList<>();
    long sum = 0;
    try {
      for (int i = 0; i < 3; i++) {
        children.add(new ChildJvm(Starter.class));
      }
      for (ChildJvm child : children) {
        String line = child.awaitLine("pool");
        System.out.println("one of three: " + line);
        Matcher pool = POOL.matcher(line);
        assertThat(pool.matches()).isTrue();
        assertThat(pool.group(2)).isEqualTo(pool.group(3));
        sum += Long.parseLong(pool.group(1));
      }
      assertThat(sum).isLessThanOrEqualTo(Cuda.devices().get(0).totalBytes());
      for (ChildJvm child : children) {
        assertThat(child.end(0)).contains("closed with device bytes {}, pinned bytes {}");
      }
    } finally {
      children.forEach(ChildJvm::close);
    }
  }

  /** Asks for 45 hundredths of the device, as three do at the same time. */
  static final class Starter {
    private Starter() {}

    public static void main(String[] args) throws IOException {
      List<Row> rows = Records.all().subList(0, 100);
      try (ModelRuntime runtime = open(0, 0.45)) {
        long exact = exact(runtime, rows);
        System.out.printf("pool %d exact %d of %d%n", poolBytes(runtime), exact, rows.size());
        while (System.in.read() >= 0) {
          // Until the end.
        }
      }
      System.out.println("closed with " + Cuda.usage());
    }
  }
}
