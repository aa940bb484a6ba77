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

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tilekv.coordinator.ExecutorView.State;

/**
 * The executors of an application, also those that are gone, as far as memory allows. Guarded by
 * the coordinator's lock.
 */
final class ExecutorRegistry {

  /** Executors that are gone and still listed; the counters of earlier ones live on in a sum. */
  static final int MAX_GONE = 1000;

  private final PrefixDirectory directory;
  // In order of registration.
  private final Map<String, Registration> byId = new LinkedHashMap<>();
  // Ids that must not register any more; a cluster manager does not use an id twice.
  private final Set<String> removedIds = new LinkedHashSet<>();
  private ExecutorStats forgotten = ExecutorStats.ZERO;
  private long lastSession;

  ExecutorRegistry(PrefixDirectory directory) {
    this.directory = directory;
  }

  @Nullable Registration get(String executorId) {
    return byId.get(executorId);
  }

  boolean isRemoved(String executorId) {
    return removedIds.contains(executorId);
  }

  /** Opens a session and ends the one before, if any. */
  Registration register(Register register, long nowMs) {
    Registration next = new Registration(register, ++lastSession, directory, nowMs);
    Registration before = byId.remove(register.executorId());
    if (before != null) {
      before.end(State.EXPIRED);
      next.follow(before);
    }
    byId.put(register.executorId(), next);
    return next;
  }

  /** The executor is gone for good; returns whether it had counted until now. */
  boolean remove(String executorId) {
    removedIds.add(executorId);
    dropOldest(removedIds, MAX_GONE);
    Registration registration = byId.get(executorId);
    if (registration == null || registration.removed()) {
      return false;
    }
    boolean counted = registration.alive();
    registration.end(State.REMOVED);
    forgetOldest();
    return counted;
  }

  /** Ends sessions silent since before; returns the executors' ids. */
  List<String> expire(long silentSinceMs) {
    List<String> expired = new ArrayList<>();
    byId.forEach(
        (id, registration) -> {
          if (registration.silentSince(silentSinceMs)) {
            registration.end(State.EXPIRED);
            expired.add(id);
          }
        });
    forgetOldest();
    return expired;
  }

  private void forgetOldest() {
    long excess = byId.size() - members().size() - (long) MAX_GONE;
    Iterator<Registration> all = byId.values().iterator();
    while (excess > 0) {
      Registration registration = all.next();
      if (!registration.alive()) {
        forgotten = forgotten.plus(registration.view(0).stats());
        all.remove();
        excess--;
      }
    }
  }

  private static void dropOldest(Set<String> ids, int max) {
    Iterator<String> oldest = ids.iterator();
    while (ids.size() > max) {
      oldest.next();
      oldest.remove();
    }
  }

  /** Executors that count. */
  List<Member> members() {
    return byId.values().stream().filter(Registration::alive).map(Registration::member).toList();
  }

  /** Where the executors that count take requests of others. */
  List<Peer> peers() {
    return byId.values().stream()
        .filter(Registration::alive)
        .map(Registration::peer)
        .filter(peer -> peer.port() > 0)
        .toList();
  }

  /** All that are remembered, in order of registration. */
  List<ExecutorView> views(long nowMs) {
    return byId.values().stream().map(registration -> registration.view(nowMs)).toList();
  }

  /** Sum over all executors there ever were. */
  ExecutorStats total(long nowMs) {
    return views(nowMs).stream().map(ExecutorView::stats).reduce(forgotten, ExecutorStats::plus);
  }
}
