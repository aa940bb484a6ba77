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

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;

/** Cleaning up after a failure, which keeps what goes wrong on the way. */
final class DiskFiles {
  private DiskFiles() {}

  static void closeAfter(Throwable failure, Closeable file) {
    try {
      file.close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  static void deleteAfter(Throwable failure, TierStorage storage, Path file) {
    try {
      storage.delete(file);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }
}
