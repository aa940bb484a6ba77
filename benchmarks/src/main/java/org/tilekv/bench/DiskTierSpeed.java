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

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.config.DiskAdmission;
import org.tilekv.tier.DiskTier;
import org.tilekv.tier.DiskTierOptions;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.TierStorage;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Groups to disk and back, beside a plain sequential write and read of the same bytes in the same
 * run. Every write ends when it is durable; every read begins with a page cache that has none of
 * the files ({@code dd} with {@code nocache}). Rounds change the order; one before them does not
 * count.
 */
@Command(
    name = "disk-tier-speed",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Measures the disk tier against plain files.")
public final class DiskTierSpeed implements Callable<Integer> {

  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  @Option(names = "--dir", required = true, description = "directory on the disk to measure")
  private Path directory = Path.of("");

  @Option(names = "--mib", description = "bytes of one pass, in MiB")
  private int mib = 2048;

  @Option(names = "--group-kib", description = "bytes of a group in KiB, a power of two from 64")
  private int groupKib = 1024;

  @Option(names = "--threads", description = "threads of the tier; the plain passes have one")
  private int threads = 1;

  @Option(names = "--rounds", description = "times that everything is measured")
  private int rounds = 5;

  private final Map<String, List<Double>> gibPerSecond = new LinkedHashMap<>();
  private final Map<String, Double> leastCpuSeconds = new LinkedHashMap<>();
  private ByteBuffer content = ByteBuffer.allocate(0);
  private GroupMeta[] metas = new GroupMeta[0];

  private DiskTierSpeed() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new DiskTierSpeed()).execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    content = ByteBuffer.allocateDirect(64 << 20);
    byte[] random = new byte[content.capacity()];
    new Random(1).nextBytes(random);
    content.put(random).clear();
    metas =
        IntStream.range(0, mib * 1024 / groupKib).mapToObj(this::meta).toArray(GroupMeta[]::new);
    for (int round = -1; round < rounds; round++) {
      if (round == 0) {
        gibPerSecond.clear();
        leastCpuSeconds.clear();
      }
      List<Callable<Void>> passes = new ArrayList<>(List.of(this::plain, this::tier));
      if (round % 2 != 0) {
        Collections.reverse(passes);
      }
      for (Callable<Void> pass : passes) {
        pass.call();
      }
    }
    report();
    return 0;
  }

  private GroupMeta meta(int i) {
    byte[] hash = new byte[32];
    new Random(i).nextBytes(hash);
    return new GroupMeta(hash, new byte[32], new int[16]);
  }

  private int groupBytes() {
    return groupKib << 10;
  }

  // Groups overlap in the 64 MiB of content, so that no two have the same bytes.
  private ByteBuffer group(int i) {
    int at = (int) ((long) i * 4096 % (content.capacity() - groupBytes()));
    return content.slice(at, groupBytes());
  }

  private Void plain() throws Exception {
    Path file = directory.resolve("plain.bin");
    try (FileChannel out =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      timed("plain write", () -> writePlain(out));
    }
    dropFromPageCache(file);
    ByteBuffer dst = ByteBuffer.allocateDirect(groupBytes());
    try (FileChannel in = FileChannel.open(file)) {
      timed("plain read", () -> readPlain(in, dst));
    }
    Files.delete(file);
    return null;
  }

  private void writePlain(FileChannel out) throws IOException {
    for (int i = 0; i < metas.length; i++) {
      for (ByteBuffer group = group(i); group.hasRemaining(); ) {
        out.write(group);
      }
    }
    out.force(true);
  }

  private void readPlain(FileChannel in, ByteBuffer dst) throws IOException {
    for (int i = 0; i < metas.length; i++) {
      dst.clear();
      while (dst.hasRemaining()) {
        in.read(dst);
      }
    }
  }

  private Void tier() throws Exception {
    Path home = directory.resolve("tier");
    timed("tier write", () -> writeTier(home));
    dropAll(home);
    timed("tier read", () -> readTier(home, false));
    dropAll(home);
    timed("tier read, any order", () -> readTier(home, true));
    timed("tier read, cached", () -> readTier(home, false));
    deleteAll(home);
    return null;
  }

  private DiskTier open(Path home) {
    int dim = groupBytes() / (2 * 8 * 16 * Float.BYTES * 8);
    TileGeometry geometry = new TileGeometry(8, 8, dim, 16, KvDtype.FLOAT32);
    long cap = (mib + 2048L) << 20;
    DiskTierOptions options =
        DiskTierOptions.of(List.of(home), cap, new byte[32], geometry)
            .withAdmission(DiskAdmission.ALWAYS);
    return DiskTier.open(options, TierStorage.real(), System::currentTimeMillis);
  }

  private void writeTier(Path home) throws Exception {
    try (DiskTier tier = open(home)) {
      inThreads(i -> require(tier.put(metas[i], group(i)), "write", i), inOrder());
    }
  }

  private void readTier(Path home, boolean shuffled) throws Exception {
    List<Integer> order = inOrder();
    if (shuffled) {
      Collections.shuffle(order, new Random(3));
    }
    ThreadLocal<ByteBuffer> dst =
        ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(groupBytes()));
    try (DiskTier tier = open(home)) {
      inThreads(i -> require(tier.get(metas[i].key(), dst.get()) != null, "read", i), order);
    }
  }

  private List<Integer> inOrder() {
    return new ArrayList<>(IntStream.range(0, metas.length).boxed().toList());
  }

  private static void require(boolean done, String what, int group) {
    if (!done) {
      throw new IllegalStateException("group " + group + ": " + what + " failed");
    }
  }

  private interface Work {
    void on(int group);
  }

  private void inThreads(Work work, List<Integer> order) throws InterruptedException {
    List<Thread> running = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      int first = t;
      Thread thread =
          new Thread(
              () -> {
                for (int i = first; i < order.size(); i += threads) {
                  work.on(order.get(i));
                }
              });
      thread.start();
      running.add(thread);
    }
    for (Thread thread : running) {
      thread.join();
    }
  }

  private interface Step {
    void run() throws Exception;
  }

  private void timed(String name, Step step) throws Exception {
    long start = System.nanoTime();
    long cpuStart = SYSTEM.getProcessCpuTime();
    step.run();
    double cpuSeconds = (SYSTEM.getProcessCpuTime() - cpuStart) / 1e9;
    double seconds = (System.nanoTime() - start) / 1e9;
    double rate = mib / 1024.0 / seconds;
    leastCpuSeconds.merge(name, cpuSeconds * 1024 / mib, Math::min);
    gibPerSecond.computeIfAbsent(name, any -> new ArrayList<>()).add(rate);
  }

  private void report() {
    System.out.printf(
        Locale.ROOT,
        "%d MiB in groups of %d KiB, %d threads, %d rounds; GiB/s, median (least to most);"
            + " CPU time of the process, least%n",
        mib,
        groupKib,
        threads,
        rounds);
    gibPerSecond.forEach(
        (name, rates) -> {
          double[] sorted = rates.stream().mapToDouble(Double::doubleValue).sorted().toArray();
          String plain = name.contains("write") ? "plain write" : "plain read";
          System.out.printf(
              Locale.ROOT,
              "%-22s %6.2f (%.2f to %.2f)  %.2f of plain  %.2f CPU s/GiB%n",
              name,
              median(sorted),
              sorted[0],
              sorted[sorted.length - 1],
              median(sorted) / median(sorted(gibPerSecond.getOrDefault(plain, List.of()))),
              leastCpuSeconds.get(name));
        });
  }

  private static double[] sorted(List<Double> rates) {
    double[] values = rates.stream().mapToDouble(Double::doubleValue).toArray();
    Arrays.sort(values);
    return values;
  }

  private static double median(double[] sorted) {
    return sorted[sorted.length / 2];
  }

  private static void dropAll(Path home) throws Exception {
    for (Path file : filesBelow(home)) {
      dropFromPageCache(file);
    }
  }

  private static void dropFromPageCache(Path file) throws Exception {
    int status =
        new ProcessBuilder("dd", "if=" + file, "iflag=nocache", "count=0", "status=none")
            .inheritIO()
            .start()
            .waitFor();
    if (status != 0) {
      throw new IOException("dd ended with " + status + "; reads would be from memory");
    }
  }

  private static void deleteAll(Path home) throws IOException {
    try (Stream<Path> all = Files.walk(home)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static List<Path> filesBelow(Path home) throws IOException {
    try (Stream<Path> all = Files.walk(home)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }
}
