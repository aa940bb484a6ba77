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

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The executor's half of the protocol, without the sending: gives the next message, takes its
 * answer. Thread-safe; one thread sends, any thread reports tiles.
 *
 * <p>Every heartbeat has the next number, sent or not, and takes what changed with it. Where one is
 * lost the driver sees the gap and asks for a full one, so nothing is ever sent again.
 */
public final class ExecutorReporter {

  /** What to do after an answer. */
  public enum Next {
    /** Send the next message when its time comes. */
    AT_INTERVAL,
    /** Send the next message now. */
    AT_ONCE,
    /** Stop sending: the driver takes nothing of this executor any more. */
    NEVER
  }

  private static final long UNREGISTERED = -1;

  private final Register register;
  private long session = UNREGISTERED;
  private long number;
  private long epoch;
  private boolean full = true;
  private boolean leaving;
  // In order of publication, at most TileNames.MAX.
  private final Set<Long> held = new LinkedHashSet<>();
  private final Set<Long> published = new LinkedHashSet<>();
  private final Set<Long> dropped = new LinkedHashSet<>();

  public ExecutorReporter(Register register) {
    this.register = register;
  }

  /** A tile was named for reuse; of too many, the oldest are kept back from the driver. */
  public synchronized void published(long tileName) {
    held.add(tileName);
    dropped.remove(tileName);
    published.add(tileName);
    if (held.size() > TileNames.MAX) {
      Iterator<Long> oldest = held.iterator();
      long name = oldest.next();
      oldest.remove();
      published.remove(name);
      dropped.add(name);
    }
    boundChanges();
  }

  /** A tile was evicted. */
  public synchronized void dropped(long tileName) {
    if (held.remove(tileName)) {
      published.remove(tileName);
      dropped.add(tileName);
      boundChanges();
    }
  }

  /** Too many changes for one message: the next one says all there is instead. */
  private void boundChanges() {
    if (dropped.size() > TileNames.MAX) {
      full = true;
      published.clear();
      dropped.clear();
    }
  }

  /** The next message to send: a registration where there is no session, else a heartbeat. */
  public synchronized byte[] next(ExecutorStats stats) {
    if (session == UNREGISTERED) {
      return Messages.encode(register);
    }
    Heartbeat heartbeat =
        new Heartbeat(
            register.executorId(),
            session,
            ++number,
            epoch,
            full,
            stats,
            TileNames.of(full ? held : published),
            full ? TileNames.NONE : TileNames.of(dropped));
    full = false;
    published.clear();
    dropped.clear();
    return Messages.encode(heartbeat);
  }

  /** Takes the driver's answer. Where none came there is nothing to call. */
  public synchronized Next answered(byte[] reply) {
    Message message;
    try {
      message = Messages.decode(reply);
    } catch (MessageException e) {
      return Next.AT_INTERVAL;
    }
    if (message instanceof RegisterReply m) {
      session = m.session();
      number = 0;
      epoch = m.epoch();
      full = true;
      return Next.AT_ONCE;
    }
    if (message instanceof HeartbeatReply m) {
      epoch = m.epoch();
      full |= m.resync();
      leaving = m.leaving();
      return m.resync() ? Next.AT_ONCE : Next.AT_INTERVAL;
    }
    return message instanceof Refused m ? refused(m) : Next.AT_INTERVAL;
  }

  /** Never at once, so that two processes of one id do not chase each other. */
  private Next refused(Refused refusal) {
    epoch = refusal.epoch();
    switch (refusal.reason()) {
      case REMOVED:
        return Next.NEVER;
      case UNKNOWN_EXECUTOR, STALE_SESSION, EXPIRED:
        session = UNREGISTERED;
        return Next.AT_INTERVAL;
      default:
        full = true;
        return Next.AT_INTERVAL;
    }
  }

  /** Whether the driver said that this executor is about to be taken away. */
  public synchronized boolean leaving() {
    return leaving;
  }

  /** Newest epoch that the driver told. */
  public synchronized long epoch() {
    return epoch;
  }
}
