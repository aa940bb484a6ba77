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

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.ProcessFatal;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;

/** A kernel of the process writes out of bounds while rows run; in a process of its own. */
@Tag("gpu")
class CudaFatalGpuTest {
  private static final int EXIT_CODE = 82;

  @Test
  void everyRowFailsWithTheCauseAndTheEngineEnds() throws Exception {
    try (ChildJvm child = new ChildJvm(Victim.class)) {
      String output = child.end(EXIT_CODE);
      System.out.println(child.getClass().getSimpleName() + " printed:\n" + output);
      assertThat(output)
          .contains("before: 50 of 50 exact")
          .contains("200 of 200 rows failed for good: org.tilekv.cuda.FatalCudaException")
          .contains("CUDA_ERROR_ILLEGAL_ADDRESS (700)")
          .contains("the next row: the engine is closed");
    }
  }

  /** Breaks its context between two batches of rows. */
  static final class Victim {
    private Victim() {}

    public static void main(String[] args) throws IOException {
      EngineConfig engine = new EngineConfig(64, 4096, 2048, 60_000, true, false);
      RuntimeOptions options =
          new RuntimeOptions(64, KvDtype.FLOAT32, 1, 2, 0, "auto", "auto", 60_000, null, engine)
              .on(DeviceChoice.gpu(0, 64 << 20, 0));
      ModelRuntime runtime = ModelRuntimes.open(Records.MODEL, options);
      List<Records.Row> rows = Records.all().subList(0, 250);
      List<Records.Row> first = rows.subList(0, 50);
      List<String> texts = Records.texts(runtime, first, 1);
      System.out.printf(
          "before: %d of 50 exact%n", texts.equals(Records.expected(first)) ? first.size() : 0);
      writeOutOfBounds();
      List<Throwable> failures =
          rows.subList(50, 250).stream().map(row -> failure(runtime, row)).toList();
      System.out.printf(
          "%d of 200 rows failed for good: %s%n",
          failures.stream().filter(e -> ProcessFatal.in(e) != null).count(),
          ProcessFatal.in(failures.get(0)));
      System.out.println("the next row: " + failures.get(199).getMessage());
      Runtime.getRuntime().halt(EXIT_CODE);
    }

    private static Throwable failure(ModelRuntime runtime, Records.Row row) {
      CompletableFuture<GenerationResult> result =
          runtime
              .engine()
              .submit(
                  GenerationRequest.greedy(
                      1,
                      1,
                      runtime.tokenizer().encode(row.prompt()),
                      8,
                      runtime.config().eosTokens()));
      return result.handle((r, e) -> e == null ? new AssertionError("it did not fail") : e).join();
    }

    /** Not synchronised: the engine's own calls find it. */
    private static void writeOutOfBounds() {
      CudaDevice device = CudaDevice.open(0);
      CudaStream stream = device.createStream();
      new KernelModules(device)
          .function("test_kernels", "poke")
          .launch(stream, 1, 1, 1, 1, 0, new KernelArguments(1).setLong(0, 64));
    }
  }
}
