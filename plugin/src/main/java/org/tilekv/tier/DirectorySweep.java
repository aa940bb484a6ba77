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
 * Deletes subdirectories that nobody uses any more: of other namespaces, or of executors that are
 * no longer there. One that is locked, or was in use a short while ago, stays: its owner may be
 * about to start again.
 */
final class DirectorySweep {
  private final TierStorage storage;
  private final long idleMs;
  private final long nowMs;
  private final DiskCounters counters;

  DirectorySweep(TierStorage storage, long idleMs, long nowMs, DiskCounters counters) {
    this.storage = storage;
    this.idleMs = idleMs;
    this.nowMs = nowMs;
    this.counters = counters;
  }

  /** Sweeps a directory; what cannot be deleted stays. */
  void run(Path directory, Path own) {
    try {
      for (Path subdirectory : storage.list(directory)) {
        if (DiskNames.isSubdirectory(subdirectory) && !subdirectory.equals(own)) {
          sweep(subdirectory);
        }
      }
    } catch (IOException e) {
      counters.ioErrors.increment();
    }
  }

  private void sweep(Path subdirectory) throws IOException {
    List<Path> files = storage.list(subdirectory);
    if (!isIdle(subdirectory, files)) {
      return;
    }
    DirectoryLock lock = DirectoryLock.tryLock(storage, subdirectory);
    if (lock == null) {
      return;
    }
    try (lock) {
      for (Path file : files) {
        if (!DiskNames.name(file).equals(DiskNames.LOCK)) {
          storage.delete(file);
          counters.refusedFiles.increment();
        }
      }
      storage.delete(subdirectory.resolve(DiskNames.LOCK));
      storage.delete(subdirectory);
    }
  }

  // One without the files that tell may be in the making: its own age decides.
  private boolean isIdle(Path subdirectory, List<Path> files) throws IOException {
    List<Path> telling = files.stream().filter(DirectorySweep::tells).toList();
    for (Path each : telling.isEmpty() ? List.of(subdirectory) : telling) {
      if (nowMs - storage.lastModifiedMs(each) < idleMs) {
        return false;
      }
    }
    return true;
  }

  private static boolean tells(Path file) {
    String name = DiskNames.name(file);
    return name.equals(DiskNames.LOCK) || name.equals(DiskNames.ORDER);
  }
}
