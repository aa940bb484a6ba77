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
package org.tilekv.cuda;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.tilekv.OpenedResources;
import org.tilekv.cuda.TileMover.Grid;
import org.tilekv.cuda.TileMover.Path;

/**
 * What copies of tiles of one size between a device and pinned host memory cost, each way: the
 * fastest with copies in both directions is the one to take, as a loaded tile mostly takes the
 * place of one that leaves.
 *
 * @param speeds of each way that the driver knows
 */
public record TransferCalibration(List<Speed> speeds) {

  private static final int BYTES = 32 << 20;
  private static final int LEAST_TILES = 8;
  private static final int MOST_TILES = 2048;
  private static final int REPETITIONS = 3;
  // Queued in one go, so that what it takes to begin does not count.
  private static final int ROUNDS = 4;

  /** In bytes per second; {@code bothWays} is the sum of both directions at once. */
  public record Speed(Path path, double toHost, double toDevice, double bothWays) {}

  /**
   * Measures, which takes a fraction of a second and 32 MiB twice on either side, or more for tiles
   * beyond 4 MiB; nothing else should run on the device.
   */
  public static TransferCalibration measure(
      CudaDevice device, KernelModules kernels, int tileBytes) {
    ExecutorService other = Executors.newSingleThreadExecutor();
    try (OpenedResources opened = new OpenedResources()) {
      Bench bench = new Bench(opened, device, kernels, other, tileBytes);
      return new TransferCalibration(TileMover.paths().stream().map(bench::speed).toList());
    } finally {
      other.shutdown();
    }
  }

  /** The fastest way. */
  public Speed fastest() {
    return speeds.stream().max(Comparator.comparingDouble(Speed::bothWays)).orElseThrow();
  }

  /** For the log. */
  @Override
  public String toString() {
    return speeds.stream()
        .map(
            s ->
                String.format(
                    Locale.ROOT,
                    "%s %.1f %.1f %.1f",
                    s.path(),
                    s.toHost() / 1e9,
                    s.toDevice() / 1e9,
                    s.bothWays() / 1e9))
        .collect(Collectors.joining(", ", "GB/s to host, to device, both ways: ", ""));
  }

  /** One direction: a stream, and tiles on both sides, on one of them in another order. */
  private static final class Direction {
    private final CudaStream stream;
    private final CudaEvent end;
    private final TileMover mover;
    private final long[] pages;
    private final long[] frames;

    Direction(
        OpenedResources opened, CudaDevice device, KernelModules kernels, int count, int bytes) {
      stream = opened.add(device.createStream());
      end = opened.add(device.createEvent(true));
      mover = opened.add(new TileMover(device, kernels, 2));
      long all = (long) count * bytes;
      pages = addresses(opened.add(device.allocate(all, "calibration")).address(), count, bytes, 1);
      frames =
          addresses(
              opened.add(device.allocatePinned(all, "calibration")).address(), count, bytes, 7919);
    }

    private static long[] addresses(long base, int count, int bytes, int step) {
      long[] addresses = new long[count];
      for (int i = 0; i < count; i++) {
        addresses[i] = base + (long) i * step % count * bytes;
      }
      return addresses;
    }
  }

  /** Both directions, and a stopwatch. */
  private static final class Bench {
    private final CudaDevice device;
    private final ExecutorService other;
    private final int tileBytes;
    private final int count;
    private final Direction down;
    private final Direction up;
    private final CudaEvent begin;

    Bench(
        OpenedResources opened,
        CudaDevice device,
        KernelModules kernels,
        ExecutorService other,
        int tileBytes) {
      this.device = device;
      this.other = other;
      this.tileBytes = tileBytes;
      count = Math.max(LEAST_TILES, Math.min(MOST_TILES, BYTES / tileBytes));
      down = new Direction(opened, device, kernels, count, tileBytes);
      up = new Direction(opened, device, kernels, count, tileBytes);
      begin = opened.add(device.createEvent(true));
    }

    Speed speed(Path path) {
      double bytes = (double) ROUNDS * count * tileBytes;
      Runnable toHost = () -> toHost(path, TileMover.TO_HOST);
      Runnable toDevice = () -> toDevice(path);
      return new Speed(
          path,
          bytes / seconds(toHost),
          bytes / seconds(toDevice),
          2 * bytes / seconds(() -> bothWays(path)));
    }

    private void toHost(Path path, Grid grid) {
      for (int i = 0; i < ROUNDS; i++) {
        down.mover.toHost(down.stream, path, grid, down.pages, down.frames, count, tileBytes);
      }
    }

    private void toDevice(Path path) {
      for (int i = 0; i < ROUNDS; i++) {
        up.mover.toDevice(
            up.stream, path, TileMover.TO_DEVICE, up.frames, up.pages, count, tileBytes);
      }
    }

    /** Each direction is queued by a thread of its own, as loads and evictions are. */
    private void bothWays(Path path) {
      CompletableFuture<Void> beside =
          CompletableFuture.runAsync(
              () -> {
                device.makeCurrent();
                toDevice(path);
              },
              other);
      toHost(path, TileMover.TO_HOST_BESIDE);
      beside.join();
    }

    /** The median, after one time to warm up. */
    private double seconds(Runnable copies) {
      double[] seconds = new double[REPETITIONS];
      for (int i = -1; i < REPETITIONS; i++) {
        down.stream.record(begin);
        up.stream.waitFor(begin);
        copies.run();
        up.stream.record(up.end);
        down.stream.waitFor(up.end);
        down.stream.record(down.end);
        down.stream.synchronize();
        if (i >= 0) {
          seconds[i] = down.end.elapsedMs(begin) * 1e-3;
        }
      }
      Arrays.sort(seconds);
      return seconds[REPETITIONS / 2];
    }
  }
}
