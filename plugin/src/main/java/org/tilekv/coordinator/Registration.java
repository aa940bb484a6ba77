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

import org.jspecify.annotations.Nullable;
import org.tilekv.coordinator.ExecutorView.State;

/** One executor's session with the driver. Guarded by the coordinator's lock. */
final class Registration {

  private final Register register;
  private final long session;
  private final PrefixDirectory directory;
  private int ticket;
  private State state = State.ALIVE;
  private boolean decommissioned;
  private long lastSeenMs;
  private long lastNumber;
  private long toldEpoch;
  private boolean awaitsFull;
  private ExecutorStats stats = ExecutorStats.ZERO;
  private QueueLoad load = new QueueLoad();

  Registration(Register register, long session, PrefixDirectory directory, long nowMs) {
    this.register = register;
    this.session = session;
    this.directory = directory;
    this.ticket = directory.newTicket(register.executorId());
    this.lastSeenMs = nowMs;
  }

  /** Why a heartbeat must not be taken, or null. */
  Refused.@Nullable Reason refusal(Heartbeat heartbeat, long epoch) {
    if (heartbeat.session() != session) {
      return Refused.Reason.STALE_SESSION;
    }
    if (!alive()) {
      return state == State.EXPIRED ? Refused.Reason.EXPIRED : Refused.Reason.REMOVED;
    }
    if (heartbeat.number() <= lastNumber) {
      return heartbeat.number() == lastNumber
          ? Refused.Reason.DUPLICATE
          : Refused.Reason.OUT_OF_ORDER;
    }
    if (heartbeat.epoch() < toldEpoch) {
      return Refused.Reason.STALE_EPOCH;
    }
    return heartbeat.epoch() > epoch ? Refused.Reason.FUTURE_EPOCH : null;
  }

  /**
   * Takes a heartbeat that {@link #refusal} let pass. After a gap in the numbers, what changed
   * meanwhile is unknown: only a full heartbeat is believed again.
   *
   * @return whether a full heartbeat is wanted
   */
  boolean accept(Heartbeat heartbeat, long nowMs) {
    boolean gap = heartbeat.number() != lastNumber + 1;
    lastNumber = heartbeat.number();
    lastSeenMs = nowMs;
    stats = heartbeat.stats();
    load.reported(stats, nowMs);
    if (heartbeat.full()) {
      directory.retire(ticket);
      ticket = directory.newTicket(register.executorId());
      awaitsFull = false;
    } else {
      awaitsFull |= gap;
    }
    if (!awaitsFull) {
      directory.drop(ticket, heartbeat.dropped());
      directory.publish(ticket, heartbeat.published());
    }
    return awaitsFull;
  }

  /** The executor is told this epoch; its next heartbeat may not be older. */
  void tell(long epoch) {
    toldEpoch = epoch;
  }

  /** It no longer counts: its tiles are forgotten, its counters stay. */
  void end(State as) {
    state = as;
    stats = stats.withoutGauges();
    directory.retire(ticket);
    // The number may be another's from now on.
    ticket = DirectoryTickets.NONE;
  }

  /**
   * Takes over the numbers of the session before, until the first heartbeat brings new ones; and
   * what was placed on the executor, which it still has to do.
   */
  void follow(Registration before) {
    stats = before.stats.withoutGauges();
    load = before.load;
  }

  /** The cluster manager is about to take it away: it still sends heartbeats and holds tiles. */
  void leave() {
    decommissioned = true;
    state = placeable() ? State.LEAVING : state;
  }

  /** Whether it was told to leave, also after it has ended. */
  boolean decommissioned() {
    return decommissioned;
  }

  /** Work was placed there. */
  void placed(long tokens, long nowMs) {
    load.placed(tokens, nowMs);
  }

  /** What it has to do, in tokens. */
  long queueTokens() {
    return load.tokens();
  }

  long session() {
    return session;
  }

  /** Whether heartbeats of it are taken. */
  boolean alive() {
    return placeable() || leaving();
  }

  /** Whether it may be given work. */
  boolean placeable() {
    return state == State.ALIVE;
  }

  boolean leaving() {
    return state == State.LEAVING;
  }

  boolean removed() {
    return state == State.REMOVED;
  }

  boolean silentSince(long ms) {
    return alive() && lastSeenMs <= ms;
  }

  Member member() {
    return new Member(register.executorId(), register.host(), register.cores());
  }

  /** Whether it takes requests of other executors. */
  boolean isPeer() {
    return alive() && register.transportPort() > 0;
  }

  Peer peer() {
    return new Peer(register.executorId(), register.host(), register.transportPort());
  }

  ExecutorStats stats() {
    return stats;
  }

  void addTo(long[] sum) {
    stats.addTo(sum);
  }

  ExecutorView view(long nowMs) {
    return new ExecutorView(
        register.executorId(),
        register.host(),
        register.cores(),
        register.poolBytes(),
        state,
        nowMs - lastSeenMs,
        stats);
  }
}
