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

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Each test loads the native library once more, through a class loader of its own. */
public class NativeTokenizersTest {

  @Test
  void everyClassLoaderOfAProcessGetsALibraryOfItsOwn() throws Exception {
    assertThat(tokens("auto")).startsWith(0);
    for (int i = 0; i < 2; i++) {
      try (URLClassLoader loader = isolated()) {
        assertThat(tokensThrough(loader)).isEqualTo(tokens("auto"));
      }
    }
  }

  @Test
  void threadWithAnotherContextClassLoaderCanLoad() throws Exception {
    Thread thread = Thread.currentThread();
    ClassLoader context = thread.getContextClassLoader();
    thread.setContextClassLoader(ClassLoader.getPlatformClassLoader());
    try (URLClassLoader loader = isolated()) {
      assertThat(tokensThrough(loader)).isEqualTo(tokens("auto"));
      assertThat(thread.getContextClassLoader()).isSameAs(ClassLoader.getPlatformClassLoader());
    } finally {
      thread.setContextClassLoader(context);
    }
  }

  @Test
  void noSettingAndNoFileIsLeftBehind() throws IOException {
    assertThat(tokens("auto")).startsWith(0);
    assertThat(System.getProperties().stringPropertyNames())
        .doesNotContainAnyElementsOf(Set.of("ENGINE_CACHE_DIR", "RUST_FLAVOR", "ai.djl.offline"));
    Path maps = Path.of("/proc/self/maps");
    if (Files.exists(maps)) {
      assertThat(Files.readAllLines(maps))
          .filteredOn(line -> line.contains("/tilekv-tokenizers-"))
          .isNotEmpty()
          .allMatch(line -> line.endsWith("(deleted)"));
    }
  }

  /** A loader with the whole class path of its own, as a second session's would be. */
  private static URLClassLoader isolated() throws IOException {
    String[] entries = System.getProperty("java.class.path").split(File.pathSeparator);
    URL[] urls = new URL[entries.length];
    for (int i = 0; i < urls.length; i++) {
      urls[i] = Path.of(entries[i]).toUri().toURL();
    }
    return new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
  }

  private static int[] tokensThrough(ClassLoader loader) throws ReflectiveOperationException {
    return (int[])
        loader
            .loadClass(NativeTokenizersTest.class.getName())
            .getMethod("tokens", String.class)
            .invoke(null, "auto");
  }

  public static int[] tokens(String addBos) {
    Path model = Path.of("../examples/data/records-6m");
    try (Tokenizer tokenizer = HfTokenizer.open(model, HfConfigReader.read(model), addBos)) {
      return tokenizer.encode("Input: 17 March\nOutput:");
    }
  }
}
