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

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Loads JCuda's native library from a private directory.
 *
 * <p>JCuda unpacks it under a fixed name in the temporary directory, without a lock and without
 * renaming: executors that start together on one host crash on half-written files, and anybody may
 * put a file of that name there. So the temporary directory is a fresh private one while JCuda's
 * class initialises; it is deleted afterwards, the mapping stays.
 */
final class JCudaLoader {
  private static final String TEMPORARY_DIRECTORY = "java.io.tmpdir";

  private JCudaLoader() {}

  /**
   * Initialises JCuda's driver class.
   *
   * @throws LinkageError if its native library cannot be loaded
   * @throws UncheckedIOException if the temporary directory cannot be written
   */
  static synchronized void load() {
    Path directory = makeDirectory();
    String before = System.setProperty(TEMPORARY_DIRECTORY, directory.toString());
    try {
      Class.forName("jcuda.driver.JCudaDriver", true, JCudaLoader.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new NoClassDefFoundError("JCuda is not on the class path: " + e.getMessage());
    } finally {
      if (before == null) {
        System.clearProperty(TEMPORARY_DIRECTORY);
      } else {
        System.setProperty(TEMPORARY_DIRECTORY, before);
      }
      delete(directory);
    }
  }

  private static Path makeDirectory() {
    try {
      return Files.createTempDirectory("tilekv-jcuda-");
    } catch (IOException e) {
      throw new UncheckedIOException("no private directory for JCuda's native library", e);
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      directory.toFile().deleteOnExit();
    }
  }
}
