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

import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;

/**
 * The driver's side: who is there, what they hold, and where each shard should run.
 *
 * <p>Thread-safe. Every method does map work only and never waits for anyone, so that it may run on
 * the one thread that serves all plugin messages. Shard maps are read without a lock.
 */
public final class Coordinator {

  private final Object lock = new Object();
  private final LongSupplier nowMs;
  private final long timeoutMs;
  private final ShardMaps maps;
  // The rest is guarded by the lock.
  private final PrefixDirectory directory = new PrefixDirectory(PrefixDirectory.MAX_TILES);
  private final ExecutorRegistry executors = new ExecutorRegistry(directory);
  private final PeerLookup peers = new PeerLookup(executors, directory);
  private final InitFailures initFailures;
  private final Map<Refused.Reason, Long> refused = new EnumMap<>(Refused.Reason.class);
  private long expiredCount;
  private long removedCount;
  private long heartbeats;
  private long resyncs;

  /** Takes the time in milliseconds from any fixed start; it must not go backwards. */
  public Coordinator(TileKvConfig config, LongSupplier nowMs) {
    this.nowMs = nowMs;
    this.timeoutMs = config.get(Settings.EXECUTOR_TIMEOUT_MS);
    this.maps = new ShardMaps(config.get(Settings.HEAD_SHARDS));
    this.initFailures = new InitFailures(config.get(Settings.MAX_INIT_FAILURES));
  }

  /** Answers the bytes of one message with the bytes of one message; never throws. */
  public byte[] receive(byte[] message) {
    Message reply;
    try {
      reply = receive(Messages.decode(message));
    } catch (MessageException e) {
      synchronized (lock) {
        reply = refuse(Refused.Reason.MALFORMED, String.valueOf(e.getMessage()));
      }
    }
    return Messages.encode(reply);
  }

  private Message receive(Message message) {
    if (message instanceof Heartbeat heartbeat) {
      return heartbeat(heartbeat);
    }
    if (message instanceof Register register) {
      return register(register);
    }
    if (message instanceof InitFailure failure) {
      return initFailed(failure);
    }
    synchronized (lock) {
      if (message instanceof Locate locate) {
        return peers.locate(locate);
      }
      if (message instanceof FindSuccessors asked) {
        return peers.successors(asked.executorId());
      }
      return refuse(
          Refused.Reason.UNEXPECTED, message.getClass().getSimpleName() + " is not for the driver");
    }
  }

  /**
   * Takes an executor in, or in again. Raises the epoch where the members change.
   *
   * @return {@link RegisterReply}, or {@link Refused} for an executor that was removed
   */
  public Message register(Register register) {
    synchronized (lock) {
      if (executors.isRemoved(register.executorId())) {
        return refuse(Refused.Reason.REMOVED, "executor " + register.executorId() + " was removed");
      }
      List<Member> before = executors.members();
      Registration registration = executors.register(register, nowMs.getAsLong());
      placeAgainAfter(before);
      registration.tell(maps.epoch());
      return new RegisterReply(maps.epoch(), registration.session());
    }
  }

  /**
   * Takes an executor's news.
   *
   * @return {@link HeartbeatReply}, or {@link Refused} for one that is unknown, gone, out of order
   *     or of another epoch
   */
  public Message heartbeat(Heartbeat heartbeat) {
    synchronized (lock) {
      Registration registration = executors.get(heartbeat.executorId());
      Refused.Reason reason = refusal(heartbeat, registration);
      if (registration == null || reason != null) {
        return refuse(
            reason == null ? Refused.Reason.UNKNOWN_EXECUTOR : reason, describe(heartbeat));
      }
      boolean resync = registration.accept(heartbeat, nowMs.getAsLong());
      registration.tell(maps.epoch());
      heartbeats++;
      resyncs += resync ? 1 : 0;
      return new HeartbeatReply(maps.epoch(), resync, peers.isLeaving(heartbeat.executorId()));
    }
  }

  private Refused.@Nullable Reason refusal(
      Heartbeat heartbeat, @Nullable Registration registration) {
    if (executors.isRemoved(heartbeat.executorId())) {
      return Refused.Reason.REMOVED;
    }
    return registration == null ? null : registration.refusal(heartbeat, maps.epoch());
  }

  private static String describe(Heartbeat heartbeat) {
    return "heartbeat "
        + heartbeat.number()
        + " of session "
        + heartbeat.session()
        + ", epoch "
        + heartbeat.epoch()
        + ", from executor "
        + heartbeat.executorId();
  }

  /** Counts an executor that could not start; see {@link #stopReason}. */
  public Message initFailed(InitFailure failure) {
    synchronized (lock) {
      initFailures.add(failure);
      return new Ack(maps.epoch());
    }
  }

  /** Why the application should be stopped, once too many executors could not start. */
  public Optional<String> stopReason() {
    synchronized (lock) {
      return initFailures.stopReason();
    }
  }

  /** The cluster manager took the executor away, for good. Raises the epoch where it counted. */
  public void executorLost(String executorId) {
    synchronized (lock) {
      List<Member> before = executors.members();
      if (executors.remove(executorId)) {
        removedCount++;
      }
      placeAgainAfter(before);
    }
  }

  /**
   * The cluster manager is about to take the executor away: it should hand over what it holds.
   *
   * @return whether that is news
   */
  public boolean executorLeaving(String executorId) {
    synchronized (lock) {
      return peers.leaves(executorId);
    }
  }

  /**
   * Drops executors that were silent for {@code executor.timeout}; to be called every second or so.
   *
   * @return their ids
   */
  public List<String> tick() {
    synchronized (lock) {
      List<Member> before = executors.members();
      List<String> expired = executors.expire(nowMs.getAsLong() - timeoutMs);
      expiredCount += expired.size();
      placeAgainAfter(before);
      return expired;
    }
  }

  /** Members are compared as sets, since one that registers again goes to the end. */
  private void placeAgainAfter(List<Member> before) {
    List<Member> after = executors.members();
    if (!new HashSet<>(before).equals(new HashSet<>(after))) {
      maps.membersChanged(after);
    }
  }

  private Refused refuse(Refused.Reason reason, String detail) {
    refused.merge(reason, 1L, Long::sum);
    return new Refused(reason, maps.epoch(), detail);
  }

  /** Current epoch: it rises whenever executors come or go and when a map is made. */
  public long epoch() {
    return maps.epoch();
  }

  /** The map of so many sequence groups; made where there is none yet. */
  public ShardMap shardMap(int groups) {
    ShardMap map = maps.current(groups);
    if (map != null) {
      return map;
    }
    synchronized (lock) {
      return maps.create(groups, executors.members());
    }
  }

  /** Where a shard of a map of so many groups should run; empty while there is no executor. */
  public Optional<Member> preferredExecutor(int groups, Shard shard) {
    return shardMap(groups).executor(shard);
  }

  /** Executors that say they hold a tile (see {@link TileNames}), the latest to say so last. */
  public List<String> holders(long tileName) {
    synchronized (lock) {
      return directory.holders(tileName);
    }
  }

  /** All executors that are remembered, those that are gone included, in order of registration. */
  public List<ExecutorView> executors() {
    synchronized (lock) {
      return executors.views(nowMs.getAsLong());
    }
  }

  public CoordinatorStats stats() {
    synchronized (lock) {
      return new CoordinatorStats(
          maps.epoch(),
          executors.members().size(),
          expiredCount,
          removedCount,
          initFailures.count(),
          heartbeats,
          resyncs,
          refused,
          directory.size(),
          executors.total(nowMs.getAsLong()));
    }
  }
}
