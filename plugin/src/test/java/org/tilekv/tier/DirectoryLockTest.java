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

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Two processes that want one subdirectory at the same time. */
class DirectoryLockTest {

  private static final Path SUBDIRECTORY = Path.of("/a/tiles");
  private static final Path LOCK = SUBDIRECTORY.resolve(DiskNames.LOCK);

  private final MemoryStorage files = new MemoryStorage(() -> 0);

  /** Another process makes the lock file just after this one has seen that there is none. */
  private TierStorage overtaken(boolean locked) {
    return (TierStorage)
        Proxy.newProxyInstance(
            TierStorage.class.getClassLoader(),
            new Class<?>[] {TierStorage.class},
            (proxy, method, arguments) -> {
              try {
                Object found = method.invoke(files, arguments);
                if (method.getName().equals("list") && !files.all().contains(LOCK)) {
                  TierFile other = files.create(LOCK);
                  assertThat(!locked || other.tryLock()).isTrue();
                }
                return found;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void whoIsOvertakenSeesThatTheOtherHasIt() throws IOException {
    files.createDirectories(SUBDIRECTORY);
    assertThat(DirectoryLock.tryLock(overtaken(true), SUBDIRECTORY)).isNull();
    assertThat(files.openFiles()).as("that of the other").isEqualTo(1);
  }

  @Test
  void whoLocksFirstHasIt() throws IOException {
    files.createDirectories(SUBDIRECTORY);
    DirectoryLock lock = DirectoryLock.tryLock(overtaken(false), SUBDIRECTORY);
    Objects.requireNonNull(lock).close();
    assertThat(files.openFiles()).as("that of the other").isEqualTo(1);
  }
}
