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
package org.tilekv.spark;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The snapshots that this process has had a part in, or has now: two tasks of one job may meet on
 * one executor, and only one of them does the work. Thread-safe.
 */
final class SnapshotClaims {

  /** Snapshots remembered; a job is over before so many others have begun. */
  static final int MOST = 64;

  private final Set<String> taken = new LinkedHashSet<>();

  /** Whether the caller is the one to do this process's part. */
  synchronized boolean take(String snapshot) {
    boolean first = taken.add(snapshot);
    if (taken.size() > MOST) {
      taken.remove(taken.iterator().next());
    }
    return first;
  }

  /** The part failed; another task may do it. */
  synchronized void giveBack(String snapshot) {
    taken.remove(snapshot);
  }
}
