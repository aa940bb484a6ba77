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
package org.tilekv.llm;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Encoding a prompt: whole, as the library does, and line by line with the lines remembered.
 *
 * <pre>
 * java ... org.openjdk.jmh.Main TokenizerBenchmark -p data=examples/data
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before a benchmark.
public class TokenizerBenchmark {

  /** Folder of the example's data. */
  @Param("examples/data")
  String data;

  /** A template with a line of its own behind it, or lines that no other prompt has. */
  @Param({"shared", "unshared"})
  String prompts;

  private TokenizerHandle handle;
  private LineEncoder lines;
  private String template;
  private long prompt;

  @Setup
  public void prepare() throws IOException {
    String json = Files.readString(Path.of(data, "records-6m", "tokenizer.json"));
    handle = new TokenizerHandle(NativeTokenizers.library(), json);
    lines = Objects.requireNonNull(LineEncoder.of(json, handle, true));
    JsonNode templates = JsonFiles.readObject(Path.of(data, "templates.json"));
    template = templates.path("contacts-0").asText();
  }

  @TearDown
  public void close() {
    handle.close();
  }

  private String next() {
    prompt++;
    String own = template + "Input: " + prompt + ". Vera Silva, tel 019 524206\nOutput:";
    return prompts.equals("shared") ? own : own.replace("\n", " " + prompt + "\n");
  }

  @Benchmark
  public int[] whole() {
    return handle.encode(next(), true);
  }

  @Benchmark
  public int[] byLine() {
    return lines.encode(next());
  }
}
