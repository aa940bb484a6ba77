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
package org.tilekv.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.tilekv.KvDtype;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.engine.DeviceChoice;
import org.tilekv.engine.EngineConfig;
import org.tilekv.engine.GenerationRequest;
import org.tilekv.engine.GenerationResult;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.engine.ModelRuntimes;
import org.tilekv.engine.RuntimeOptions;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Opens a model on a GPU, runs a few rows and closes it, again and again; ends with status 1 where
 * anything is left open or answers change. Prints what the process holds on the way.
 */
@Command(
    name = "engine-life-cycle",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Shows that short jobs leave nothing behind.")
public final class EngineLifeCycle implements Callable<Integer> {

  private static final String PROMPT = "Record: name=Ada Lovelace; city=London; year=";

  @Option(names = "--model", required = true, description = "Hugging Face directory")
  private Path model = Path.of("");

  @Option(names = "--jobs", description = "times that the model is opened")
  private int jobs = 1000;

  @Option(names = "--rows", description = "rows of a job")
  private int rows = 8;

  @Option(names = "--pool-mib", description = "page pool in MiB")
  private long poolMib = 256;

  @Option(names = "--every", description = "jobs between two lines")
  private int every = 50;

  @Option(
      names = "--keep-context",
      description = "keep the device's context between jobs, as another library of a process does")
  private boolean keepContext;

  private List<String> firstAnswers = List.of();

  private EngineLifeCycle() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new EngineLifeCycle()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    System.out.printf("%s, keeping its context: %s%n", Cuda.devices().get(0), keepContext);
    CudaDevice kept = keepContext ? CudaDevice.open(0) : null;
    int left = 0;
    long start = System.nanoTime();
    for (int job = 1; job <= jobs; job++) {
      run(job);
      if (!Cuda.usage().isEmpty()) {
        left++;
        line("job %d left open: %s", job, Cuda.usage());
      }
      if (job == 1 || job % every == 0) {
        report(job, start);
      }
    }
    if (kept != null) {
      kept.close();
    }
    line("%d jobs, %d of them left something open", jobs, left);
    return left == 0 ? 0 : 1;
  }

  private void run(int job) {
    EngineConfig engine = new EngineConfig(16, 512, 256, 60_000, true, false);
    RuntimeOptions options =
        new RuntimeOptions(16, KvDtype.FLOAT32, 1, 2, 0, "auto", "auto", 60_000, null, engine);
    try (ModelRuntime runtime =
        ModelRuntimes.open(model, options.on(DeviceChoice.gpu(0, poolMib << 20, 0)))) {
      List<CompletableFuture<GenerationResult>> results =
          IntStream.range(0, rows)
              .mapToObj(row -> runtime.engine().submit(request(runtime, row)))
              .toList();
      List<String> answers =
          results.stream().map(result -> Arrays.toString(result.join().best().tokens())).toList();
      firstAnswers = job == 1 ? answers : firstAnswers;
      if (!answers.equals(firstAnswers)) {
        throw new IllegalStateException("job " + job + " gave other answers than the first");
      }
    }
  }

  private static GenerationRequest request(ModelRuntime runtime, int row) {
    int[] prompt = runtime.tokenizer().encode(PROMPT + row);
    return GenerationRequest.greedy(1, row, prompt, 16, runtime.config().eosTokens());
  }

  private static void report(int job, long start) throws IOException {
    System.gc();
    line(
        "job %4d after %6.1f s: RSS %d KiB, threads %d, heap %d KiB, device bytes %d, pinned bytes"
            + " %d open",
        job,
        (System.nanoTime() - start) / 1e9,
        status("VmRSS:"),
        status("Threads:"),
        (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 10,
        Cuda.usage().totalDeviceBytes(),
        Cuda.usage().totalPinnedBytes());
  }

  /** A number that the kernel keeps of this process. */
  private static long status(String key) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith(key))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElse(-1);
  }

  private static void line(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
