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
package org.tilekv.tier;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.config.DiskAdmission;

/**
 * A process that writes with two threads is killed at seeded moments; whoever comes next finds
 * whole groups only. {@code -Dtilekv.kills=100} kills more often, as {@code
 * benchmarks/disk-kills.sh} does.
 */
class DiskTierKillTest {
  private static final int KILLS = Integer.getInteger("tilekv.kills", 4);
  private static final int KEYS = 120;
  private static final int FITTING_GROUPS = 40;

  /** Groups of 256 KiB: a write takes a while. */
  private static final TileGeometry GEOMETRY = new TileGeometry(8, 4, 64, 16, KvDtype.FLOAT32);

  private static final int BYTES = GEOMETRY.kvHeads() * GEOMETRY.tileBytes();

  @TempDir Path directory;

  @Test
  void whoComesNextFindsWholeGroupsOnly() throws Exception {
    int whole = 0;
    int killedWriting = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      killedWriting += killWhileWriting(new Random(kill)) ? 1 : 0;
      int found = readAll(kill);
      assertThat(found).as("seed %d", kill).isPositive();
      whole += found;
    }
    System.out.println(
        KILLS + " kills, " + killedWriting + " during a write; " + whole + " groups found, whole");
  }

  private boolean killWhileWriting(Random random) throws Exception {
    int calls = 30 + random.nextInt(150);
    Process process = Writer.start(directory, random.nextLong());
    int open = 0;
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (int line = 0; line < calls; line++) {
        open += step(lines.readLine());
      }
      process.toHandle().destroyForcibly(); // Leaves what it printed readable.
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        open += step(line);
      }
    }
    process.waitFor();
    return open > 0;
  }

  private static int step(String line) {
    return switch (line) {
      case "write" -> 1;
      case "written" -> -1;
      default -> throw new AssertionError(line);
    };
  }

  private int readAll(int seed) {
    ByteBuffer dst = ByteBuffer.allocateDirect(BYTES);
    int found = 0;
    try (DiskTier tier = open(directory)) {
      long resident = tier.stats().residentGroups();
      for (int i = 0; i < KEYS; i++) {
        if (tier.get(Groups.key(i), dst) != null) {
          assertThat(dst.duplicate()).as("seed %d group %d", seed, i).isEqualTo(content(i));
          found++;
        }
      }
      assertThat(tier.stats().corruptGroups()).as("torn groups, seed %d", seed).isZero();
      assertThat(tier.stats().refusedFiles()).as("refused files, seed %d", seed).isZero();
      assertThat(found).isEqualTo((int) resident);
      tier.checkIntegrity();
    }
    return found;
  }

  private static ByteBuffer content(int i) {
    return ByteBuffer.wrap(Tiles.bytes(BYTES, i));
  }

  private static DiskTier open(Path directory) {
    long bytes = (FITTING_GROUPS + 2L) * (BYTES + 8192);
    DiskTierOptions options =
        DiskTierOptions.of(List.of(directory), bytes, Tiles.NAMESPACE, GEOMETRY)
            .withAdmission(DiskAdmission.ALWAYS);
    return DiskTier.open(options, bytes / 4, TierStorage.real(), System::currentTimeMillis);
  }

  /** The process that is killed. */
  static final class Writer {
    private Writer() {}

    static Process start(Path directory, long seed) throws IOException {
      String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
      return new ProcessBuilder(
              java,
              "-Xmx128m",
              "-XX:TieredStopAtLevel=1",
              "-cp",
              System.getProperty("java.class.path"),
              Writer.class.getName(),
              directory.toString(),
              Long.toString(seed))
          .redirectError(ProcessBuilder.Redirect.DISCARD)
          .start();
    }

    public static void main(String[] arguments) {
      DiskTier tier = open(Path.of(arguments[0]));
      for (int thread = 0; thread < 2; thread++) {
        Random random = new Random(Long.parseLong(arguments[1]) + thread);
        new Thread(() -> writeForEver(tier, random)).start();
      }
    }

    private static void writeForEver(DiskTier tier, Random random) {
      while (true) {
        int i = random.nextInt(KEYS);
        GroupMeta meta = new GroupMeta(Groups.meta(i).chainHash(), new byte[32], new int[16]);
        ByteBuffer bytes = content(i);
        System.out.println("write");
        tier.put(meta, bytes);
        System.out.println("written");
      }
    }
  }
}
