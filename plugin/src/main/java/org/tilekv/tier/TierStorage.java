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

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * The few file-system calls that the disk tier makes, so that tests can make each of them fail.
 * Safe for several threads.
 */
public interface TierStorage {

  /** The file system: directories 0700, files 0600. */
  static TierStorage real() {
    return new RealStorage();
  }

  /** Makes a directory and its parents; an existing one is left as it is. */
  void createDirectories(Path directory) throws IOException;

  /** Names directly inside a directory, sorted. */
  List<Path> list(Path directory) throws IOException;

  /** Makes a file for reading and writing; fails where there is one. */
  TierFile create(Path file) throws IOException;

  /** Opens an existing file for reading and writing. */
  TierFile open(Path file) throws IOException;

  /** Gives a file another name in its directory at once, over one that has it. */
  void rename(Path from, Path to) throws IOException;

  /** Deletes a file or an empty directory; one that is not there is no error. */
  void delete(Path path) throws IOException;

  /** Makes creations and renames in a directory durable, where the file system can. */
  void forceDirectory(Path directory) throws IOException;

  /** Bytes that this process could still write to the directory's file system. */
  long freeBytes(Path directory) throws IOException;

  /** When a file was last written to, or a directory's list of names changed, ms since 1970. */
  long lastModifiedMs(Path file) throws IOException;
}
