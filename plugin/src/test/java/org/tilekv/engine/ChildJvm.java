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

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Another process with this one's class path: runs a main class, which ends with its input. */
final class ChildJvm implements AutoCloseable {

  private final Process process;
  private final BufferedReader lines;
  private final List<String> seen = new ArrayList<>();

  ChildJvm(Class<?> main, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-Xmx4g"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    process = new ProcessBuilder(command).redirectErrorStream(true).start();
    lines = process.inputReader(StandardCharsets.UTF_8);
  }

  /** The next line that begins with {@code begin}; fails where the process ends before. */
  String awaitLine(String begin) throws IOException {
    for (String line = next(); line != null; line = next()) {
      if (line.startsWith(begin)) {
        return line;
      }
    }
    throw new AssertionError("no line \"" + begin + "\" in " + String.join("\n", seen));
  }

  private @Nullable String next() throws IOException {
    String line = lines.readLine();
    if (line != null) {
      seen.add(line);
    }
    return line;
  }

  /** Waits for the end; returns what was printed. */
  String end(int exitCode) throws Exception {
    process.getOutputStream().close();
    while (next() != null) {
      // To the end.
    }
    String output = String.join("\n", seen);
    assertThat(process.waitFor()).as(output).isEqualTo(exitCode);
    return output;
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
