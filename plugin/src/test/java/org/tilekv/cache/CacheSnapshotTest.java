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
package org.tilekv.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tilekv.cache.TestCaches.compute;
import static org.tilekv.cache.TestCaches.request;
import static org.tilekv.cache.TestCaches.resident;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tilekv.KvDtype;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.CacheSnapshot.Loaded;
import org.tilekv.tier.DirectAllocator;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.SnapshotException;
import org.tilekv.tier.SnapshotException.Reason;
import org.tilekv.tier.SnapshotHeader;
import org.tilekv.tier.SnapshotReader;
import org.tilekv.tier.SnapshotWriter;

/** Snapshots of small caches: whole, cut and damaged at every place. */
class CacheSnapshotTest {

  private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  private static final int[] BRANCH = {1, 2, 3, 4, 7, 7, 7, 7, 9};
  private static final byte[] NAMESPACE = new byte[32];

  private final TileCache from = TestCaches.cache(8);
  private final TileCache to = TestCaches.cache(4);

  @AfterEach
  void nothingIsLost() {
    for (TileCache cache : List.of(from, to)) {
      cache.checkIntegrity();
      assertThat(cache.stats().pinnedPages()).isZero();
      cache.close();
      assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
    }
  }

  private static byte[] save(TileCache cache) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      SnapshotWriter writer =
          new SnapshotWriter(out, new SnapshotHeader(NAMESPACE, cache.geometry(), "small"));
      assertThat(CacheSnapshot.save(cache, writer)).isEqualTo(cache.residentTiles().size());
      writer.finish();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out.toByteArray();
  }

  private static Loaded load(TileCache cache, byte[] bytes) throws IOException {
    SnapshotReader in = new SnapshotReader(new ByteArrayInputStream(bytes), "part");
    assertThat(in.header().model()).isEqualTo("small");
    return CacheSnapshot.load(cache, in);
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void tilesComeBackWithTheirBytes(KvDtype dtype) throws IOException {
    TileCacheOptions options = TestCaches.options(dtype, 8, 4, new AtomicLong());
    try (TileCache a = TileCache.create(options);
        TileCache b = TileCache.create(options)) {
      compute(a, PROMPT);
      compute(a, BRANCH);
      compute(a, request("tenant", PROMPT));
      assertThat(load(b, save(a))).isEqualTo(new Loaded(5, 0, ""));
      b.checkIntegrity();
      for (int[] prompt : List.of(PROMPT, BRANCH)) {
        TrackedSequence hit = TestCaches.track(b, prompt);
        assertThat(hit.sequence.cachedTokens()).isEqualTo(8);
        hit.sequence.close();
      }
      assertThat(b.probe(request("tenant", PROMPT)).residentTokens()).isEqualTo(8);
      assertThat(load(b, save(a))).as("again").isEqualTo(new Loaded(5, 0, ""));
      assertThat(b.stats().loadedTiles()).isEqualTo(5);
    }
  }

  @Test
  void takesWhatThereIsRoomForAndEvictsNothing() throws IOException {
    compute(from, PROMPT);
    compute(from, BRANCH);
    compute(from, 5, 5, 5, 5, 5);
    compute(to, 6, 6, 6, 6, 6, 6, 6, 6, 6);
    assertThat(load(to, save(from))).isEqualTo(new Loaded(2, 2, ""));
    assertThat(to.stats().evictedTiles()).isZero();
    assertThat(resident(to, 6, 6, 6, 6, 6, 6, 6, 6, 6)).isEqualTo(8);
  }

  @Test
  void aTileWhoseParentIsEvictedMeanwhileIsLeftOut() throws IOException {
    compute(from, PROMPT);
    byte[] whole = save(from);
    SnapshotReader in =
        new SnapshotReader(
            new ByteArrayInputStream(whole) {
              @Override
              public synchronized int read(byte[] to, int at, int count) {
                if (pos > whole.length / 2) {
                  CacheSnapshotTest.this.to.clear();
                }
                return super.read(to, at, count);
              }
            },
            "part");
    assertThat(CacheSnapshot.load(to, in)).isEqualTo(new Loaded(1, 1, ""));
    assertThat(to.residentTiles()).as("nobody would find them").isEmpty();
  }

  @Test
  void savesTheTilesOfSomePrefixes() throws IOException {
    compute(from, PROMPT);
    compute(from, BRANCH);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SnapshotWriter writer =
        new SnapshotWriter(out, new SnapshotHeader(NAMESPACE, from.geometry(), "small"));
    int[] prefix = Arrays.copyOf(BRANCH, 8);
    assertThat(CacheSnapshot.save(from, List.of(request(prefix)), writer)).isEqualTo(2);
    writer.finish();
    assertThat(load(to, out.toByteArray()).tiles()).isEqualTo(2);
    assertThat(resident(to, BRANCH)).isEqualTo(8);
    assertThat(resident(to, PROMPT)).isEqualTo(4);
  }

  private final ManualExecutor writes = new ManualExecutor();

  /** A tier below that keeps everything, and takes what the pool drops at once. */
  private CacheTier below(TileCache cache, MapTier below) {
    CacheTierOptions options =
        new CacheTierOptions(8L * cache.groupBytes(), 1, DirectAllocator.DIRECT);
    return new CacheTier(cache, below, options, writes, new ManualExecutor(), System::nanoTime);
  }

  /** Makes all that is resident of a pool of eight tiles leave it. */
  private void fill(TileCache cache) {
    compute(cache, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6);
    compute(cache, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5);
    writes.runAll();
  }

  private static byte[] save(TileCache cache, long tiles, SequenceRequest... prefixes)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    SnapshotWriter writer =
        new SnapshotWriter(out, new SnapshotHeader(NAMESPACE, cache.geometry(), "small"));
    long saved =
        prefixes.length == 0
            ? CacheSnapshot.save(cache, writer)
            : CacheSnapshot.save(cache, List.of(prefixes), writer);
    assertThat(saved).isEqualTo(tiles);
    writer.finish();
    return out.toByteArray();
  }

  @Test
  void tilesBelowThePoolAreSavedBehindItsOwn() throws IOException {
    MapTier map = new MapTier(from.groupBytes());
    try (CacheTier tier = below(from, map)) {
      compute(from, PROMPT);
      compute(from, BRANCH);
      fill(from);
      assertThat(resident(from, PROMPT)).isZero();
      assertThat(map.groups).hasSize(3);
      byte[] some = save(from, 2, request(Arrays.copyOf(BRANCH, 8)));
      assertThat(load(to, some)).isEqualTo(new Loaded(2, 0, ""));
      assertThat(resident(to, BRANCH)).isEqualTo(8);
      to.clear();
      try (TileCache large = TestCaches.cache(12)) {
        assertThat(load(large, save(from, 8 + 3))).isEqualTo(new Loaded(11, 0, ""));
        for (int[] prompt : List.of(PROMPT, BRANCH)) {
          TrackedSequence hit = TestCaches.track(large, prompt);
          assertThat(hit.sequence.cachedTokens()).isEqualTo(8);
          hit.sequence.close();
        }
      }
    }
  }

  @Test
  void whatThePoolHasNoRoomForGoesBelowIt() throws IOException {
    compute(from, PROMPT);
    compute(from, BRANCH);
    compute(from, 5, 5, 5, 5, 5);
    MapTier map = new MapTier(to.groupBytes());
    ManualExecutor reads = new ManualExecutor();
    CacheTierOptions options = new CacheTierOptions(to.groupBytes(), 1, DirectAllocator.DIRECT);
    try (CacheTier tier = new CacheTier(to, map, options, writes, reads, System::nanoTime)) {
      compute(to, 6, 6, 6, 6, 6, 6, 6, 6, 6);
      assertThat(load(to, save(from, 4))).isEqualTo(new Loaded(4, 0, ""));
      assertThat(to.stats().evictedTiles()).isZero();
      assertThat(map.groups).hasSize(2);
      CompletableFuture<Void> loaded = tier.load(request(BRANCH));
      reads.runAll();
      assertThat(loaded).isCompleted();
      TrackedSequence hit = TestCaches.track(to, BRANCH);
      assertThat(hit.sequence.cachedTokens()).isEqualTo(8);
      hit.sequence.close();
      map.groups.clear();
      map.fault = MapTier.Fault.REFUSES;
      to.clear();
      compute(to, 6, 6, 6, 6, 6, 6, 6, 6, 6);
      assertThat(load(to, save(from, 4))).isEqualTo(new Loaded(2, 2, ""));
    }
  }

  /** Nobody can tell a tile whose parent is lost from the first tile of a tenant's prompt. */
  @Test
  void whatContinuesNothingKnownIsLeftBelow() throws IOException {
    MapTier map = new MapTier(from.groupBytes());
    try (CacheTier tier = below(from, map)) {
      compute(from, PROMPT);
      GroupKey first = GroupKey.of(from.residentTiles().get(0).name().bytes());
      compute(from, request("tenant", PROMPT));
      fill(from);
      assertThat(map.groups).hasSize(4);
      save(from, 8 + 2);
      byte[] salted = save(from, 2, request("tenant", Arrays.copyOf(PROMPT, 8)));
      assertThat(load(to, salted)).isEqualTo(new Loaded(2, 0, ""));
      assertThat(to.probe(request("tenant", PROMPT)).residentTokens()).isEqualTo(8);
      assertThat(resident(to, PROMPT)).isZero();
      map.groups.remove(first);
      save(from, 8);
      map.fault = MapTier.Fault.LOSES;
      save(from, 8);
    }
  }

  @Test
  void whatIsCutGivesTheTilesBefore() throws IOException {
    compute(from, PROMPT);
    compute(from, BRANCH);
    byte[] whole = save(from);
    int tiles = 0;
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      try {
        Loaded loaded = load(to, cut);
        assertThat(loaded.refused()).as("%d bytes", length).contains("part ends in the middle");
        assertThat(loaded.tiles()).isGreaterThanOrEqualTo(tiles);
        tiles = (int) loaded.tiles();
      } catch (SnapshotException e) {
        assertThat(e.reason()).as("%d bytes", length).isEqualTo(Reason.TRUNCATED);
        assertThat(tiles).isZero();
      }
    }
    assertThat(tiles).isEqualTo(3);
    verify();
  }

  @Test
  void whatIsDamagedGivesTheTilesBefore() throws IOException {
    compute(from, PROMPT);
    byte[] whole = save(from);
    for (int at = 0; at < whole.length; at++) {
      byte[] damaged = whole.clone();
      damaged[at] ^= (byte) (1 << at % 8);
      try {
        SnapshotReader in = new SnapshotReader(new ByteArrayInputStream(damaged), "part");
        assertThat(CacheSnapshot.load(to, in).refused()).as("byte %d", at).isNotEmpty();
      } catch (SnapshotException e) {
        assertThat(at).as("in the header: %s", e.getMessage()).isLessThan(80);
      }
      verify();
      to.clear();
    }
  }

  /** What is there of the prompts has its bytes. */
  private void verify() {
    TrackedSequence hit = TestCaches.track(to, PROMPT);
    hit.sequence.close();
    to.checkIntegrity();
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    byte[] whole = save(from);
    byte[] older = whole.clone();
    older[8] = 0;
    assertThatThrownBy(() -> load(to, older))
        .isInstanceOf(SnapshotException.class)
        .hasMessage("part has format version 0; allowed is 1");
    assertThatThrownBy(() -> load(to, new byte[200]))
        .isInstanceOf(SnapshotException.class)
        .hasMessage("part is no snapshot of a cache");
  }
}
