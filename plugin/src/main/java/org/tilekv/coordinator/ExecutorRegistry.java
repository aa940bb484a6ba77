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
import java.util.Optional;
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
  private final int maxGone;
  // In order of registration.
  private final Map<String, Registration> byId = new LinkedHashMap<>();
  // Ids that must not register any more; a cluster manager does not use an id twice.
  private final Set<String> removedIds = new LinkedHashSet<>();
  // Those told to leave that may not be listed: not yet, or no longer.
  private final Set<String> leavingIds = new LinkedHashSet<>();
  private ExecutorStats forgotten = ExecutorStats.ZERO;
  private long lastSession;
  private int alive;
  // Those of them that take requests of others.
  private int peers;

  /**
   * An empty registry.
   *
   * @param firstSession sessions have numbers above; another registry's should be far from them
   */
  ExecutorRegistry(PrefixDirectory directory, long firstSession) {
    this(directory, firstSession, MAX_GONE);
  }

  ExecutorRegistry(PrefixDirectory directory, long firstSession, int maxGone) {
    this.directory = directory;
    this.lastSession = firstSession;
    this.maxGone = maxGone;
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
    boolean leaving = isLeaving(register.executorId());
    Registration before = byId.remove(register.executorId());
    if (before != null) {
      end(before, State.EXPIRED);
      next.follow(before);
    }
    if (leaving) {
      next.leave();
    }
    byId.put(register.executorId(), next);
    alive++;
    peers += next.isPeer() ? 1 : 0;
    return next;
  }

  private void end(Registration registration, State as) {
    alive -= registration.alive() ? 1 : 0;
    peers -= registration.isPeer() ? 1 : 0;
    registration.end(as);
  }

  /**
   * The executor is about to be taken away, whether it is registered yet or not. Returns whether
   * that is news.
   */
  boolean leave(String executorId) {
    if (removedIds.contains(executorId) || isLeaving(executorId)) {
      return false;
    }
    leavingIds.add(executorId);
    dropOldest(leavingIds, maxGone);
    Registration registration = byId.get(executorId);
    if (registration != null) {
      registration.leave();
    }
    return true;
  }

  /** The executor is gone for good; returns whether it had counted until now. */
  boolean remove(String executorId) {
    removedIds.add(executorId);
    dropOldest(removedIds, maxGone);
    Registration registration = byId.get(executorId);
    if (registration == null || registration.removed()) {
      return false;
    }
    boolean counted = registration.alive();
    end(registration, State.REMOVED);
    forgetOldest();
    return counted;
  }

  /** Ends sessions silent since before; returns the executors' ids. */
  List<String> expire(long silentSinceMs) {
    List<String> expired = new ArrayList<>();
    byId.forEach(
        (id, registration) -> {
          if (registration.silentSince(silentSinceMs)) {
            end(registration, State.EXPIRED);
            expired.add(id);
          }
        });
    forgetOldest();
    return expired;
  }

  private void forgetOldest() {
    long excess = byId.size() - alive - (long) maxGone;
    Iterator<Registration> all = byId.values().iterator();
    while (excess > 0) {
      Registration registration = all.next();
      if (!registration.alive()) {
        forgotten = forgotten.plus(registration.stats());
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

  /** Executors that are alive, those that are about to leave included. */
  int alive() {
    return alive;
  }

  /** Whether it is about to be taken away, or was before it went. */
  boolean isLeaving(String executorId) {
    Registration registration = byId.get(executorId);
    return leavingIds.contains(executorId) || registration != null && registration.decommissioned();
  }

  /** Executors that are alive and about to leave. */
  int leaving() {
    return (int) byId.values().stream().filter(Registration::leaving).count();
  }

  /** Those that may be given work and were heard of since then. */
  List<Registration> freshSince(long ms) {
    return byId.values().stream()
        .filter(registration -> registration.placeable() && !registration.silentSince(ms))
        .toList();
  }

  /** Executors that are alive and take requests of others. */
  int peers() {
    return peers;
  }

  /** Whether it is alive and takes requests of others. */
  boolean isPeer(String executorId) {
    Registration registration = byId.get(executorId);
    return registration != null && registration.isPeer();
  }

  /** Where it takes requests of others, if it does. */
  Optional<Peer> peer(String executorId) {
    return Optional.ofNullable(byId.get(executorId))
        .filter(Registration::isPeer)
        .map(Registration::peer);
  }

  /** All that are remembered, in order of registration. */
  List<ExecutorView> views(long nowMs) {
    return byId.values().stream().map(registration -> registration.view(nowMs)).toList();
  }

  /** Sum over all executors there ever were. */
  ExecutorStats total() {
    long[] sum = forgotten.toArray();
    byId.values().forEach(registration -> registration.addTo(sum));
    return ExecutorStats.of(sum);
  }

  /** Throws where those that may be given work are not the members. */
  void checkIntegrity(MemberSlots members) {
    int placeable = 0;
    int counted = 0;
    int withPort = 0;
    for (Registration registration : byId.values()) {
      counted += registration.alive() ? 1 : 0;
      withPort += registration.isPeer() ? 1 : 0;
      if (registration.placeable()) {
        placeable++;
        int slot = members.slotOf(registration.member().executorId());
        if (slot == MemberSlots.NONE || !registration.member().equals(members.get(slot))) {
          throw new IllegalStateException(registration.member() + " is no member");
        }
      }
    }
    if (placeable != members.size() || counted != alive) {
      throw new IllegalStateException(
          "%d placeable of %d alive executors; counted are %d and %d"
              .formatted(placeable, counted, members.size(), alive));
    }
    if (withPort != peers) {
      throw new IllegalStateException(withPort + " executors have a port; counted are " + peers);
    }
  }
}
