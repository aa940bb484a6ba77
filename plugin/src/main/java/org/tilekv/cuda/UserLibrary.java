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

import com.sun.jna.Library;
import com.sun.jna.NativeLibrary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A library of the CUDA toolkit that a node may have or not: cuBLAS, NVRTC.
 *
 * @param title for messages
 * @param fileNames names in the order to try, newest first
 * @param property system property with its file or folder; nothing else is tried where it is set
 */
record UserLibrary(String title, List<String> fileNames, String property) {

  /**
   * Loads it: by the property, else by name (LD_LIBRARY_PATH, ld.so.cache), else from the toolkit's
   * usual folders.
   *
   * @throws CudaUnavailableException if none can be loaded; the message lists what was tried
   */
  NativeLibrary load() {
    return load(System.getProperty(property), ToolkitFolders.libraries());
  }

  NativeLibrary load(@Nullable String path, List<Path> folders) {
    StringBuilder tried = new StringBuilder();
    for (String candidate : path == null ? candidates(folders) : candidatesAt(Path.of(path))) {
      try {
        return NativeLibrary.getInstance(
            candidate, Map.of(Library.OPTION_CLASSLOADER, UserLibrary.class.getClassLoader()));
      } catch (UnsatisfiedLinkError e) {
        String reason = LoadFailure.oneLine(e);
        tried
            .append("; ")
            .append(reason.startsWith(candidate) ? "" : candidate + ": ")
            .append(reason);
      }
    }
    throw new CudaUnavailableException(
        title
            + " is not available: install "
            + String.join(" or ", fileNames)
            + " of the CUDA toolkit, or name its file or folder with -D"
            + property
            + tried);
  }

  private List<String> candidates(List<Path> folders) {
    List<String> candidates = new ArrayList<>();
    for (String name : fileNames) {
      candidates.add(name);
      for (Path folder : folders) {
        Path file = folder.resolve(name);
        if (Files.exists(file)) {
          candidates.add(file.toString());
        }
      }
    }
    return candidates;
  }

  private List<String> candidatesAt(Path path) {
    return Files.isDirectory(path)
        ? fileNames.stream().map(name -> path.resolve(name).toString()).toList()
        : List.of(path.toString());
  }
}
