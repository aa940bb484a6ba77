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

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsDigestTest {

  @TempDir Path directory;

  @Test
  void dependsOnContentAndNotOnFiles() {
    String one = digest(new SyntheticCheckpoint().write(directory.resolve("one")));
    String copy = digest(new SyntheticCheckpoint().write(directory.resolve("copy")));
    String shards = digest(new SyntheticCheckpoint().shards(3).write(directory.resolve("shards")));

    assertThat(one).hasSize(64).matches("[0-9a-f]+").isEqualTo(copy).isEqualTo(shards);
  }

  @Test
  void oneBitOfAnyTensorChangesIt() throws IOException {
    Path model = new SyntheticCheckpoint().layers(1).write(directory);
    Path file = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    Set<String> digests = new HashSet<>(Set.of(digest(model)));
    for (int i = 0; i < 8; i++) {
      byte[] changed = bytes.clone();
      changed[changed.length - 1 - i * 10_001] ^= 1;
      Files.write(file, changed);
      assertThat(digests.add(digest(model))).as("flip %d", i).isTrue();
    }
  }

  @Test
  void rotationAndEpsilonChangeItAndEndTokensDoNot() throws IOException {
    Path model = new SyntheticCheckpoint().write(directory);
    String before = digest(model);
    replace(model, "\"eos_token_id\" : 1", "\"eos_token_id\" : [1, 2]");
    assertThat(digest(model)).isEqualTo(before);
    replace(model, "10000.0", "20000.0");
    String theta = digest(model);
    replace(model, "1.0E-6", "1.0E-5");
    assertThat(Set.of(before, theta, digest(model))).hasSize(3);
  }

  private static void replace(Path model, String from, String to) throws IOException {
    Path config = model.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(from);
    Files.writeString(config, text.replace(from, to));
  }

  private static String digest(Path model) {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      return WeightsDigest.of(HfConfigReader.read(model), checkpoint);
    }
  }
}
