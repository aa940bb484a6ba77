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
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Right of one tier to a subdirectory. Between processes a lock on a file says who has it, which
 * ends with the process; inside this one a set of paths does, because to close a file that another
 * part of the process has locked would end that lock, too.
 */
final class DirectoryLock implements AutoCloseable {
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path path;
  private final TierFile file;

  private DirectoryLock(Path path, TierFile file) {
    this.path = path;
    this.file = file;
  }

  /** Locks an existing subdirectory; null where another tier has it. */
  static @Nullable DirectoryLock tryLock(TierStorage storage, Path subdirectory)
      throws IOException {
    Path directory = subdirectory.toAbsolutePath().normalize();
    Path path = directory.resolve(DiskNames.LOCK);
    if (!HELD.add(path)) {
      return null;
    }
    DirectoryLock lock = null;
    try {
      lock = lockFile(storage, directory, path);
      return lock;
    } finally {
      if (lock == null) {
        HELD.remove(path);
      }
    }
  }

  private static @Nullable DirectoryLock lockFile(TierStorage storage, Path directory, Path path)
      throws IOException {
    boolean there = storage.list(directory).contains(path);
    TierFile file = there ? storage.open(path) : createOrOpen(storage, path);
    boolean locked = false;
    try {
      locked = file.tryLock() && storage.list(directory).contains(path);
    } finally {
      if (!locked) {
        file.close();
      }
    }
    return locked ? new DirectoryLock(path, file) : null;
  }

  // Another process may have made the file since.
  private static TierFile createOrOpen(TierStorage storage, Path path) throws IOException {
    try {
      return storage.create(path);
    } catch (FileAlreadyExistsException e) {
      return storage.open(path);
    }
  }

  /** The open lock file. */
  TierFile file() {
    return file;
  }

  @Override
  public void close() throws IOException {
    try {
      file.close();
    } finally {
      HELD.remove(path);
    }
  }
}
