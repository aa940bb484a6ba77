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

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.KvDtype;
import org.tilekv.cache.CacheSnapshot;
import org.tilekv.cache.CacheSnapshot.Loaded;
import org.tilekv.cache.TileCache;
import org.tilekv.engine.Records.Row;
import org.tilekv.tier.SnapshotHeader;
import org.tilekv.tier.SnapshotReader;
import org.tilekv.tier.SnapshotWriter;

/** Tiles that go from one device's pool to another's by a snapshot, beside the steps of both. */
@Tag("gpu")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CudaSnapshotGpuTest {
  private static final long POOL = 1 << 30;
  private static final EngineConfig ENGINE = new EngineConfig(64, 4096, 2048, 60_000, true, true);
  private static final int TILE_TOKENS = 16;

  private static ModelRuntime open() {
    RuntimeOptions options =
        new RuntimeOptions(
            TILE_TOKENS, KvDtype.FLOAT32, POOL, 2, 0, "auto", "auto", 60_000, null, ENGINE);
    return ModelRuntimes.open(Records.MODEL, options.on(new DeviceChoice("gpu", 0, POOL, 0)));
  }

  private static TileCache cache(ModelRuntime runtime) {
    return (TileCache) runtime.cache();
  }

  private static byte[] save(ModelRuntime runtime) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] namespace = HexFormat.of().parseHex(runtime.namespace());
    try {
      SnapshotHeader header = new SnapshotHeader(namespace, runtime.cache().geometry(), "records");
      SnapshotWriter writer = new SnapshotWriter(out, header);
      CacheSnapshot.save(cache(runtime), writer);
      writer.finish();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static Loaded load(ModelRuntime runtime, byte[] snapshot) {
    try {
      return CacheSnapshot.load(
          cache(runtime), new SnapshotReader(new ByteArrayInputStream(snapshot), "snapshot"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void check(String what, List<Row> rows, List<String> answers) {
    for (int i = 0; i < rows.size(); i++) {
      assertThat(answers.get(i)).as("%s, row %d", what, i).isEqualTo(rows.get(i).expected());
    }
  }

  /** Saved while rows run, and loaded while rows run. */
  @Test
  void tilesComeBackOnAnotherPoolBesideTheSteps() throws IOException {
    long seed = System.nanoTime();
    List<Row> rows = Records.all();
    Collections.shuffle(rows, new Random(seed));
    byte[] early;
    byte[] whole;
    try (ModelRuntime first = open()) {
      CompletableFuture<byte[]> saving = CompletableFuture.supplyAsync(() -> saveSome(first));
      check("seed " + seed, rows, Records.texts(first, rows, 1));
      early = saving.join();
      whole = save(first);
    }
    try (ModelRuntime second = open()) {
      CompletableFuture<Loaded> loading = CompletableFuture.supplyAsync(() -> load(second, early));
      check("loading beside, seed " + seed, rows, Records.texts(second, rows, 1));
      Loaded loaded = loading.join();
      assertThat(loaded.refused()).isEmpty();
      System.out.printf("snapshot: %d tiles loaded beside the steps%n", loaded.tiles());
    }
    try (ModelRuntime third = open()) {
      Loaded loaded = load(third, whole);
      assertThat(loaded.refused()).isEmpty();
      assertThat(loaded.tiles()).isPositive();
      check("warm, seed " + seed, rows, Records.texts(third, rows, 1));
      long computed = third.engine().stats().promptTokensComputed();
      System.out.printf(
          "snapshot: %d tiles, %d bytes; %d prompt tokens computed for %d rows%n",
          loaded.tiles(), whole.length, computed, rows.size());
      assertThat(computed).as("no full tile").isLessThanOrEqualTo((long) rows.size() * TILE_TOKENS);
    }
  }

  /** The last of a few snapshots of a pool that fills. */
  private static byte[] saveSome(ModelRuntime runtime) {
    byte[] last = {};
    while (runtime.cache().stats().publishedTiles() < 200) {
      Thread.onSpinWait();
    }
    for (int i = 0; i < 3; i++) {
      last = save(runtime);
    }
    return last;
  }
}
