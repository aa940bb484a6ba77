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
package org.tilekv.coordinator;

import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Numbers for the holders of {@link PrefixDirectory}. A retired ticket names nobody; its number is
 * given out again when the last entry with it is gone.
 */
final class DirectoryTickets {

  /** No ticket has this number. */
  static final int NONE = 0;

  private final ArrayDeque<Integer> free = new ArrayDeque<>();
  private @Nullable String[] executors = new String[16];
  private int[] entries = new int[16];
  private int last;

  int draw(String executorId) {
    Integer reused = free.poll();
    int ticket = reused == null ? ++last : reused;
    if (ticket >= executors.length) {
      executors = Arrays.copyOf(executors, 2 * executors.length);
      entries = Arrays.copyOf(entries, 2 * entries.length);
    }
    executors[ticket] = executorId;
    return ticket;
  }

  /** Returns how many entries name nobody from now on. */
  int retire(int ticket) {
    if (executors[ticket] == null) {
      return 0;
    }
    executors[ticket] = null;
    if (entries[ticket] == 0) {
      free.add(ticket);
    }
    return entries[ticket];
  }

  /** Null where the ticket is retired. */
  @Nullable String executor(int ticket) {
    return executors[ticket];
  }

  boolean live(int ticket) {
    return executors[ticket] != null;
  }

  void entryAdded(int ticket) {
    entries[ticket]++;
  }

  void entryRemoved(int ticket) {
    if (--entries[ticket] == 0 && executors[ticket] == null) {
      free.add(ticket);
    }
  }
}
