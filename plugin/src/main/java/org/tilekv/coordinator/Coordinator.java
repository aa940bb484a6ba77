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
import java.util.EnumMap;
import java.util.LinkedHashMap;
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

  /** Heartbeats that may fail to come before what an executor said is too old to rest on. */
  static final int STALE_INTERVALS = 5;

  private static final int FALLBACK_OWNERS = 4;

  private final Object lock = new Object();
  private final LongSupplier nowMs;
  private final long timeoutMs;
  private final ShardMaps maps;
  // The rest is guarded by the lock.
  private final PrefixDirectory directory = new PrefixDirectory(PrefixDirectory.MAX_ENTRIES);
  private final ExecutorRegistry executors;
  private final WorkPlacement work;
  private final PeerLookup peers;
  private final InitFailures initFailures;
  private final Map<Refused.Reason, Long> refused = new EnumMap<>(Refused.Reason.class);
  // Executors that were leaving -> those that took their shards over.
  private final Map<String, List<String>> newOwners = new LinkedHashMap<>();
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
    this.executors = new ExecutorRegistry(directory, firstSession(nowMs.getAsLong()));
    this.peers = new PeerLookup(executors, directory);
    long staleMs =
        Math.min(timeoutMs, STALE_INTERVALS * config.get(Settings.HEARTBEAT_INTERVAL_MS));
    this.work = new WorkPlacement(this, lock, executors, directory, staleMs);
  }

  /** Far from those of a driver that ran before: a late heartbeat must not look like one of now. */
  private static long firstSession(long nowMs) {
    return (nowMs & Integer.MAX_VALUE) << 20;
  }

  /** Answers the bytes of one message with the bytes of one message; never throws. */
  public byte[] receive(byte[] message) {
    Message reply;
    try {
      reply = receive(Messages.decode(message));
    } catch (MessageException e) {
      synchronized (lock) {
        reply = refuse(reasonOf(e), String.valueOf(e.getMessage()));
      }
    }
    return Messages.encode(reply);
  }

  private static Refused.Reason reasonOf(MessageException e) {
    return switch (e.reason()) {
      case UNKNOWN_VERSION -> Refused.Reason.UNKNOWN_VERSION;
      case TOO_LARGE -> Refused.Reason.TOO_LARGE;
      default -> Refused.Reason.MALFORMED;
    };
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
        return executors.isLeaving(asked.executorId())
            ? peers.successors(asked.executorId(), newOwners(asked.executorId()))
            : new Successors(false, List.of());
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
      Registration registration = executors.register(register, nowMs.getAsLong());
      if (registration.placeable()) {
        maps.put(registration.member());
      }
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
      boolean leaving = registration.leaving();
      registration.tell(maps.epoch());
      heartbeats++;
      resyncs += resync ? 1 : 0;
      return new HeartbeatReply(maps.epoch(), resync, leaving);
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

  /**
   * The cluster manager is about to take the executor away: its shards move at once, and only they.
   * Until it is gone its heartbeats are taken, and it counts as a holder of its tiles. For good; an
   * executor that has not registered yet will be leaving when it does.
   *
   * @return whether that is news
   */
  public boolean decommissioning(String executorId) {
    synchronized (lock) {
      if (!executors.leave(executorId)) {
        return false;
      }
      Map<Integer, int[]> shards = maps.shardsOf(executorId);
      maps.remove(List.of(executorId));
      newOwners.put(executorId, maps.ownersOf(shards));
      if (newOwners.size() > ExecutorRegistry.MAX_GONE) {
        newOwners.remove(newOwners.keySet().iterator().next());
      }
      return true;
    }
  }

  /**
   * Who should get the tiles of an executor that is leaving, also after it is gone: those that took
   * its shards over, the one with the most of them first; where it had none, a few others. Empty
   * where nobody else is there.
   */
  public List<Member> newOwners(String executorId) {
    synchronized (lock) {
      List<Member> owners = new ArrayList<>();
      for (String id : newOwners.getOrDefault(executorId, List.of())) {
        maps.member(id).ifPresent(owners::add);
      }
      return owners.isEmpty() ? maps.winners(executorId, FALLBACK_OWNERS) : owners;
    }
  }

  /** The cluster manager took the executor away, for good. Raises the epoch where it counted. */
  public void executorLost(String executorId) {
    synchronized (lock) {
      if (executors.remove(executorId)) {
        removedCount++;
      }
      maps.remove(List.of(executorId));
    }
  }

  /**
   * Drops executors that were silent for {@code executor.timeout}, and sees whether placement still
   * has something to rest on; to be called every second or so.
   *
   * @return ids of those dropped
   */
  public List<String> tick() {
    long now = nowMs.getAsLong();
    List<String> expired;
    synchronized (lock) {
      expired = executors.expire(now - timeoutMs);
      expiredCount += expired.size();
      maps.remove(expired);
    }
    work.checkMode(now);
    return expired;
  }

  /**
   * Chooses an executor for each work item, in order: where most of its prefix is resident, unless
   * more waits there than that saves; see {@link PlacementReason}. What is placed counts as waiting
   * until the executor has computed as much. Placement is a hint.
   */
  public List<Placement> place(List<WorkItem> items) {
    return work.place(items, nowMs.getAsLong());
  }

  /** Executors that run, those that are about to leave included. */
  public int aliveExecutors() {
    synchronized (lock) {
      return executors.alive();
    }
  }

  /** Ids of the executors that work may be placed on. */
  public List<String> placeableIds() {
    synchronized (lock) {
      return maps.members().ids();
    }
  }

  /** Executors that work may be placed on. */
  int placeable() {
    synchronized (lock) {
      return maps.members().size();
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
      return maps.create(groups);
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

  /** One executor, if it is remembered. */
  public Optional<ExecutorView> executor(String executorId) {
    synchronized (lock) {
      return Optional.ofNullable(executors.get(executorId))
          .map(registration -> registration.view(nowMs.getAsLong()));
    }
  }

  public CoordinatorStats stats() {
    synchronized (lock) {
      return new CoordinatorStats(
          maps.epoch(),
          executors.alive(),
          executors.leaving(),
          expiredCount,
          removedCount,
          initFailures.count(),
          heartbeats,
          resyncs,
          refused,
          directory.size(),
          work.mode(),
          work.degradedSwitches(),
          work.counts(),
          executors.total());
    }
  }

  /** Verifies that maps, members and executors agree. */
  void checkIntegrity() {
    synchronized (lock) {
      maps.tables().forEach(ShardTable::checkIntegrity);
      executors.checkIntegrity(maps.members());
    }
  }
}
