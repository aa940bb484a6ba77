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
package org.tilekv.bench;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.tier.HostTileCache;
import org.tilekv.tier.TileKey;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * A host tile cache at capacity under mixed calls for minutes: gets, puts, removals and now and
 * then a look at all keys. Each tile carries its own pattern, every word of which is checked on
 * every hit; the memory of the process is printed on the way. Then the same calls without checks
 * against it and against Caffeine with byte arrays. Status 1 where a byte was wrong.
 */
@Command(
    name = "host-tile-cache-soak",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Shows that tiles are never mixed up and memory does not grow.")
public final class HostTileCacheSoak implements Callable<Integer> {

  @Option(names = "--minutes", description = "minutes of the checked part")
  private double minutes = 10;

  @Option(names = "--threads", description = "threads")
  private int threads = 2;

  @Option(
      names = "--compare-seconds",
      description = "seconds of each pass without checks, 6 in all")
  private int compareSeconds = 10;

  private static final TileGeometry GEOMETRY = new TileGeometry(1, 8, 256, 64, KvDtype.BFLOAT16);
  private static final int CAPACITY_TILES = 2048;
  private static final int KEYS = 3 * CAPACITY_TILES;
  private static final int LINES = 10;
  private static final long INVERSE_OF_31 = inverse(31);

  private final LongAdder calls = new LongAdder();
  private final LongAdder hits = new LongAdder();
  private final LongAdder wrongBytes = new LongAdder();
  private final AtomicLong endNanos = new AtomicLong();

  private HostTileCacheSoak() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new HostTileCacheSoak()).execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    try (HostTileCache cache =
        HostTileCache.create(
            GEOMETRY, new byte[32], (long) CAPACITY_TILES * GEOMETRY.tileBytes())) {
      System.out.printf(
          Locale.ROOT,
          "%d tiles of %d KiB, %d keys, %d threads%n",
          CAPACITY_TILES,
          GEOMETRY.tileBytes() >> 10,
          KEYS,
          threads);
      for (int line = 0; line < LINES; line++) {
        runFor((long) (minutes * 60e9 / LINES), seed -> checked(cache, seed));
        printLine(cache);
      }
      cache.checkIntegrity();
      compare(cache);
    }
    System.out.println(wrongBytes.sum() + " tiles with wrong bytes");
    return wrongBytes.sum() == 0 ? 0 : 1;
  }

  private void printLine(HostTileCache cache) throws IOException {
    System.out.printf(
        Locale.ROOT,
        "calls %,d  hits %,d  evictions %,d  resident %d  wrong %d  RSS %d MiB%n",
        calls.sum(),
        hits.sum(),
        cache.stats().evictions(),
        cache.stats().residentTiles(),
        wrongBytes.sum(),
        rssMib());
  }

  private static long rssMib() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) >> 10;
      }
    }
    return -1;
  }

  private interface Work {
    void run(int seed);
  }

  private void runFor(long nanos, Work work) throws InterruptedException {
    endNanos.set(System.nanoTime() + nanos);
    List<Thread> running = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      int seed = t;
      Thread thread = new Thread(() -> work.run(seed));
      thread.start();
      running.add(thread);
    }
    for (Thread thread : running) {
      thread.join();
    }
  }

  private boolean isOver() {
    return System.nanoTime() - endNanos.get() > 0;
  }

  private static TileKey key(int i) {
    return new TileKey(i, ~i, 0, 0, i % 8);
  }

  private void checked(HostTileCache cache, int seed) {
    SplittableRandom random = new SplittableRandom(System.nanoTime() + seed);
    ByteBuffer tile = ByteBuffer.allocateDirect(GEOMETRY.tileBytes());
    while (!isOver()) {
      int i = random.nextInt(KEYS);
      int kind = random.nextInt(100);
      if (kind < 55) {
        if (cache.get(key(i), tile, 0)) {
          hits.increment();
          check(tile, i);
        }
      } else if (kind < 95) {
        fill(tile, i, random.nextInt());
        cache.put(key(i), tile, 0);
      } else if (kind < 99 || random.nextInt(200) > 0) {
        cache.remove(key(i));
      } else {
        cache.keysOldestFirst();
      }
      calls.increment();
    }
  }

  /** Every word tells the key, the version and its place. */
  private static void fill(ByteBuffer tile, int i, int version) {
    long base = (long) i << 32 | version & 0xffffffffL;
    for (int at = 0; at < tile.capacity(); at += Long.BYTES) {
      tile.putLong(at, base * 31 + at);
    }
  }

  private void check(ByteBuffer tile, int i) {
    long base = tile.getLong(0) * INVERSE_OF_31;
    boolean right = base >>> 32 == i;
    for (int at = 0; at < tile.capacity(); at += Long.BYTES) {
      right &= tile.getLong(at) == base * 31 + at;
    }
    if (!right) {
      wrongBytes.increment();
    }
  }

  /** The number that times {@code odd} is 1, modulo 2^64. */
  private static long inverse(long odd) {
    long inverse = odd;
    for (int bits = 3; bits < Long.SIZE; bits *= 2) {
      inverse *= 2 - odd * inverse;
    }
    return inverse;
  }

  private void compare(HostTileCache cache) throws InterruptedException {
    Cache<TileKey, byte[]> caffeine = Caffeine.newBuilder().maximumSize(CAPACITY_TILES).build();
    for (int pass = 0; pass < 3; pass++) {
      rate("TileKV", seed -> unchecked(cache, seed));
      rate("Caffeine, byte[] values", seed -> unchecked(caffeine, seed));
    }
  }

  private void rate(String name, Work work) throws InterruptedException {
    long before = calls.sum();
    long start = System.nanoTime();
    runFor(compareSeconds * 1_000_000_000L, work);
    double seconds = (System.nanoTime() - start) / 1e9;
    double perSecond = (calls.sum() - before) / seconds;
    System.out.printf(
        Locale.ROOT,
        "%-24s %,10.0f calls/s, %.1f GiB/s%n",
        name,
        perSecond,
        perSecond * GEOMETRY.tileBytes() / (1L << 30));
  }

  private void unchecked(HostTileCache cache, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] tile = new byte[GEOMETRY.tileBytes()];
    while (!isOver()) {
      TileKey key = key(random.nextInt(KEYS));
      if (random.nextInt(100) >= 60 || !cache.get(key, tile, 0)) {
        cache.put(key, tile, 0);
      }
      calls.increment();
    }
  }

  private void unchecked(Cache<TileKey, byte[]> cache, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] tile = new byte[GEOMETRY.tileBytes()];
    while (!isOver()) {
      TileKey key = key(random.nextInt(KEYS));
      byte[] value = random.nextInt(100) >= 60 ? null : cache.getIfPresent(key);
      if (value == null) {
        cache.put(key, tile.clone());
      } else {
        System.arraycopy(value, 0, tile, 0, tile.length);
      }
      calls.increment();
    }
  }
}
