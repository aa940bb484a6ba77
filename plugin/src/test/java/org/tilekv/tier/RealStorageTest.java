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
package org.tilekv.tier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RealStorageTest {

  @Test
  void namesAreSorted() throws IOException {
    assertThat(RealStorage.sorted(Stream.of(Path.of("b"), Path.of("a"))))
        .containsExactly(Path.of("a"), Path.of("b"));
  }

  @Test
  void aDirectoryThatFailsInTheMiddleFailsAsAFileDoes() {
    IOException why = new IOException("Input/output error");
    Stream<Path> names =
        Stream.of("a", "b")
            .map(
                name -> {
                  if (name.equals("b")) {
                    throw new UncheckedIOException(why);
                  }
                  return Path.of(name);
                });
    assertThatThrownBy(() -> RealStorage.sorted(names)).isSameAs(why);
  }
}
