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

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Where CUDA's user libraries and headers usually lie on a node. */
final class ToolkitFolders {
  private static final List<String> ROOTS =
      List.of(
          "/usr/local/cuda",
          "/usr/local/cuda-13",
          "/usr/local/cuda-13.0",
          "/usr/local/cuda-12",
          "/opt/cuda",
          "/usr");
  private static final List<String> LIBRARY_FOLDERS =
      List.of("lib64", "lib", "targets/x86_64-linux/lib", "lib/x86_64-linux-gnu");

  private ToolkitFolders() {}

  /** Folders that exist and may hold libraries, in the order to try. */
  static List<Path> libraries() {
    return roots(System.getenv())
        .flatMap(root -> LIBRARY_FOLDERS.stream().map(root::resolve))
        .filter(Files::isDirectory)
        .toList();
  }

  /** Folders of the first toolkit that has {@code cuda_fp16.h}; empty if none has. */
  static List<Path> includes() {
    return roots(System.getenv())
        .map(root -> root.resolve("include"))
        .filter(folder -> Files.exists(folder.resolve("cuda_fp16.h")))
        .findFirst()
        .map(folder -> List.of(folder, folder.resolve("cccl")))
        .orElse(List.of());
  }

  private static Stream<Path> roots(Map<String, String> environment) {
    List<String> roots = new ArrayList<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      String value = environment.get(variable);
      if (value != null && !value.isBlank()) {
        roots.add(value);
      }
    }
    roots.addAll(ROOTS);
    return roots.stream().map(Path::of);
  }
}
