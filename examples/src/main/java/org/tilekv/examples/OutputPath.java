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
package org.tilekv.examples;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Keeps a job from deleting what is not its own: an output that exists is replaced. */
final class OutputPath {

  private OutputPath() {}

  /**
   * Refuses an output that would replace rows, a model or a folder of other things.
   *
   * @param sources paths that the job reads
   * @throws IllegalArgumentException naming the output and what it holds
   */
  static void check(String output, List<String> sources, Configuration hadoop) throws IOException {
    Path path = new Path(output);
    FileSystem fs = path.getFileSystem(hadoop);
    Path target = fs.makeQualified(path);
    for (String source : sources) {
      Path read = new Path(source);
      Path qualified = read.getFileSystem(hadoop).makeQualified(read);
      if (isIn(qualified, target) || isIn(target, qualified)) {
        throw new IllegalArgumentException(
            "--output " + output + " would replace " + source + ", which the job reads");
      }
    }
    if (fs.exists(target)) {
      requireEarlierOutput(output, fs, target);
    }
  }

  private static boolean isIn(Path path, Path folder) {
    for (Path at = path; at != null; at = at.getParent()) {
      if (at.equals(folder)) {
        return true;
      }
    }
    return false;
  }

  private static void requireEarlierOutput(String output, FileSystem fs, Path target)
      throws IOException {
    if (!fs.getFileStatus(target).isDirectory()) {
      throw new IllegalArgumentException(
          "--output " + output + " is a file; a folder that does not exist is needed");
    }
    Arrays.stream(fs.listStatus(target))
        .map(FileStatus::getPath)
        .map(Path::getName)
        .filter(name -> !name.startsWith("_") && !name.startsWith("."))
        .filter(name -> !(name.startsWith("part-") && name.endsWith(".parquet")))
        .findFirst()
        .ifPresent(
            name -> {
              throw new IllegalArgumentException(
                  "--output "
                      + output
                      + " holds "
                      + name
                      + ", which no earlier output has; a folder that may be replaced is needed");
            });
  }
}
