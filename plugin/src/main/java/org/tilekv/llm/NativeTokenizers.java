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

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.tilekv.TileKvException;

/**
 * Loads the native tokenizer library, once per class loader, without the user setting anything.
 *
 * <p>Left alone, the library unpacks itself below the home directory or, where that cannot be
 * written, to a well-known place below the temporary directory, asks for CUDA variants over the
 * network, and searches the thread's class loader, which need not be the one that a Spark
 * application's jars are in. Here it is unpacked to a private directory that is deleted once it is
 * loaded: executors of one host share no file, two class loaders of one JVM do not collide (the JVM
 * binds a file to one loader), and nobody else can plant a library. Settings that the user made are
 * left as they are.
 */
final class NativeTokenizers {

  private static final List<String> PLACES =
      List.of("RUST_LIBRARY_PATH", "ENGINE_CACHE_DIR", "DJL_CACHE_DIR");

  private static @Nullable TokenizersLibrary library;

  private NativeTokenizers() {}

  /**
   * The loaded library.
   *
   * @throws TileKvException where it cannot be loaded on this machine
   */
  static synchronized TokenizersLibrary library() {
    TokenizersLibrary loaded = library;
    if (loaded == null) {
      loaded = load();
      library = loaded;
    }
    return loaded;
  }

  private static TokenizersLibrary load() {
    Path directory = null;
    try {
      Map<String, String> settings = new LinkedHashMap<>();
      settings.put("RUST_FLAVOR", "cpu");
      settings.put("ai.djl.offline", "true");
      if (PLACES.stream().noneMatch(NativeTokenizers::isSet)) {
        directory = Files.createTempDirectory("tilekv-tokenizers-");
        settings.put("ENGINE_CACHE_DIR", directory.toString());
      }
      return loadWith(settings);
    } catch (IOException | RuntimeException | LinkageError e) {
      throw new TileKvException(
          "the native tokenizer library cannot be loaded on "
              + System.getProperty("os.name")
              + " "
              + System.getProperty("os.arch")
              + " from "
              + (directory == null ? PLACES + " as set" : directory)
              + " (allowed are Linux x86_64 and aarch64, and a directory from which programs may be"
              + " run: set java.io.tmpdir or ENGINE_CACHE_DIR): "
              + e,
          e);
    } finally {
      deleteTree(directory);
    }
  }

  private static TokenizersLibrary loadWith(Map<String, String> settings) {
    settings.keySet().removeIf(NativeTokenizers::isSet);
    Thread thread = Thread.currentThread();
    ClassLoader context = thread.getContextClassLoader();
    settings.forEach(System::setProperty);
    thread.setContextClassLoader(TokenizersLibrary.class.getClassLoader());
    try {
      LibUtils.checkStatus();
      return TokenizersLibrary.LIB;
    } finally {
      thread.setContextClassLoader(context);
      settings.keySet().forEach(System::clearProperty);
    }
  }

  private static boolean isSet(String name) {
    return System.getenv(name) != null || System.getProperty(name) != null;
  }

  private static void deleteTree(@Nullable Path directory) {
    if (directory == null) {
      return;
    }
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException | UncheckedIOException e) {
      directory.toFile().deleteOnExit();
    }
  }
}
