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
package org.tilekv.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.tilekv.HostAllocator;
import org.tilekv.cache.ManualTier;
import org.tilekv.cache.MapTier;
import org.tilekv.cache.TierStats;
import org.tilekv.tier.DiskTier;
import org.tilekv.tier.FaultyDisk;

/**
 * A job whose tiles go to disk and come back, with one fault in each run, at each place where one
 * can happen: the rows give what they give without a cache, and nothing is left behind.
 */
class TierFaultsTest {

  private static final long SEED = 7;
  private static final int DISK_GROUPS = 400;
  private static final int MOST_CALLS_PER_FAULT = 60;

  private final List<GenerationRequest> requests = TieredJob.requests(SEED);
  private final List<int[]> expected = TieredJob.expected(requests);

  private TieredJob job() {
    return new TieredJob(requests);
  }

  private TieredJob check(TieredJob job, FaultyDisk disk, String where) {
    DiskTier below = disk.open(TieredJob.GEOMETRY, TieredJob.NAMESPACE.bytes(), DISK_GROUPS);
    assertThat(job.run(below, SEED)).as(where).usingRecursiveComparison().isEqualTo(expected);
    assertThat(disk.openFiles()).as(where).isZero();
    return job;
  }

  private static TierStats stats(TieredJob job) {
    return Objects.requireNonNull(job.tierStats);
  }

  @Test
  void everyFaultOfTheStorageAtEveryCall() {
    FaultyDisk none = new FaultyDisk("FAIL", 0);
    TieredJob clean = check(job(), none, "no fault");
    assertThat(stats(clean).savedTiles()).isPositive();
    assertThat(stats(clean).loadedTiles()).isPositive();
    assertThat(Objects.requireNonNull(clean.engineStats).preemptions()).isPositive();
    long calls = none.calls();
    // All of the first ones, which open the tier, then evenly.
    long stride = Math.max(1, calls / MOST_CALLS_PER_FAULT);
    int runs = 0;
    for (String fault : FaultyDisk.FAULTS) {
      for (long call = 1; call <= calls; call += call < 12 ? 1 : stride) {
        check(job(), new FaultyDisk(fault, call), fault + " at call " + call);
        runs++;
      }
    }
    System.out.printf(
        "%d faults of the storage, %d calls of the job: %d runs, all with the same rows; without a"
            + " fault %s%n",
        FaultyDisk.FAULTS.size(), calls, runs, stats(clean));
  }

  @Test
  void aRowSetBackComesBackWithoutComputingATile() {
    List<GenerationRequest> growing = new ArrayList<>();
    Random random = new Random(SEED);
    for (int row = 0; row < 10; row++) {
      int[] prompt = random.ints(9, 2, FakeDecoder.VOCAB).toArray();
      growing.add(EngineFixture.greedy(row, prompt, 48));
    }
    List<int[]> answers = TieredJob.expected(growing);
    TieredJob job = new TieredJob(growing);
    job.stagedTiles = 1000;
    assertThat(run(job)).usingRecursiveComparison().isEqualTo(answers);
    EngineStats engine = Objects.requireNonNull(job.engineStats);
    assertThat(engine.preemptions()).isPositive();
    // Of each row set back only what its last, partly filled tile holds is computed again.
    assertThat(engine.recomputedTokens())
        .as("%s, %s", engine, job.tierStats)
        .isLessThan(engine.preemptions() * TieredJob.GEOMETRY.tileTokens());
    TieredJob without = new TieredJob(growing);
    without.loads = false;
    assertThat(run(without)).usingRecursiveComparison().isEqualTo(answers);
    System.out.printf(
        "%d rows set back: %d tokens computed again; %d rows and %d tokens without loads%n",
        engine.preemptions(),
        engine.recomputedTokens(),
        Objects.requireNonNull(without.engineStats).preemptions(),
        without.engineStats.recomputedTokens());
  }

  private static List<int[]> run(TieredJob job) {
    DiskTier below =
        new FaultyDisk("FAIL", 0)
            .open(TieredJob.GEOMETRY, TieredJob.NAMESPACE.bytes(), DISK_GROUPS);
    return job.run(below, SEED);
  }

  @Test
  void everyTransferFailsOnce() {
    TieredJob clean = check(job(), new FaultyDisk("FAIL", 0), "no fault");
    int copiesOut = Objects.requireNonNull(clean.memory).copiesOut();
    int copiesIn = clean.memory.copiesIn();
    for (int copy = 1; copy <= copiesOut; copy++) {
      TieredJob job = job();
      job.faultyCopyOut = copy;
      check(job, new FaultyDisk("FAIL", 0), "copy out of the pool " + copy);
      assertThat(stats(job).failedSaves()).isEqualTo(1);
    }
    for (int copy = 1; copy <= copiesIn; copy++) {
      TieredJob job = job();
      job.faultyCopyIn = copy;
      check(job, new FaultyDisk("FAIL", 0), "copy into the pool " + copy);
      assertThat(stats(job).failedLoads()).isPositive();
    }
    System.out.printf(
        "transfers: %d copies out of the pool and %d into it, each failed once%n",
        copiesOut, copiesIn);
  }

  @Test
  void everyStateOfTheTierBelow() {
    for (MapTier.Fault fault : MapTier.Fault.values()) {
      MapTier below = new MapTier(TieredJob.GROUP_BYTES);
      TieredJob job = job();
      job.begin = tier -> below.fault = fault;
      assertThat(job.run(below, SEED))
          .as("%s", fault)
          .usingRecursiveComparison()
          .isEqualTo(expected);
    }
  }

  @Test
  void everyResourceRunsOut() {
    checkWith("no thread for writes", job -> job.begin = ManualTier::rejectWrites);
    checkWith("no thread for reads", job -> job.begin = ManualTier::rejectReads);
    checkWith("no row for loads", job -> job.spareRows = 0);
    checkWith("all loads are late", job -> job.msPerStep = 60);
    checkWith("no memory for slots", job -> job.allocator = new Failing(0));
    checkWith("memory for two slots", job -> job.allocator = new Failing(2));
  }

  private void checkWith(String where, Consumer<TieredJob> change) {
    TieredJob job = job();
    change.accept(job);
    check(job, new FaultyDisk("FAIL", 0), where);
  }

  /** Gives so many slabs and no more. */
  private static final class Failing implements HostAllocator {
    private final AtomicInteger left;

    Failing(int slabs) {
      left = new AtomicInteger(slabs);
    }

    @Override
    public ByteBuffer allocate(int bytes) {
      if (left.getAndDecrement() <= 0) {
        throw new OutOfMemoryError("no memory");
      }
      return ByteBuffer.allocate(bytes);
    }

    @Override
    public void free(ByteBuffer slab) {}
  }
}
