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

import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.tilekv.OpenedResources;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaEvent;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.KernelModules;
import org.tilekv.cuda.PinnedMemory;
import org.tilekv.cuda.TileMover;
import org.tilekv.cuda.TileMover.Grid;
import org.tilekv.cuda.TileMover.Path;
import org.tilekv.cuda.TransferCalibration;

/**
 * Tiles between scattered pages of the device and scattered frames of pinned host memory: each way,
 * and both at once, in every way, beside one contiguous copy of the same bytes. Each direction is
 * queued by a thread of its own.
 *
 * <p>{@code TileTransferGpu [BLOCKS THREADS BLOCKS THREADS]}: those of a gathered copy to the host
 * beside one to the device, and of that one, in place of the usual ones.
 */
public final class TileTransferGpu {

  private static final long BYTES = 512L << 20;
  private static final int REPETITIONS = 15;
  private static final int[] SIZES = {
    16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20
  };

  private final CudaStream down;
  private final CudaStream up;
  private final CudaEvent begin;
  private final CudaEvent end;
  private final CudaEvent upDone;
  private final long[] devices = new long[2];
  private final long[] hosts = new long[2];

  private final Grid downBeside;
  private final Grid upGrid;

  private final CudaDevice device;
  private final ExecutorService other = Executors.newSingleThreadExecutor();

  private TileTransferGpu(OpenedResources opened, CudaDevice device, Grid downBeside, Grid upGrid) {
    this.device = device;
    opened.add(() -> other.shutdown());
    this.downBeside = downBeside;
    this.upGrid = upGrid;
    down = opened.add(device.createStream());
    up = opened.add(device.createStream());
    begin = opened.add(device.createEvent(true));
    end = opened.add(device.createEvent(true));
    upDone = opened.add(device.createEvent(false));
    for (int i = 0; i < 2; i++) {
      DeviceMemory pages = opened.add(device.allocate(BYTES, "pages"));
      PinnedMemory frames = opened.add(device.allocatePinned(BYTES, "frames"));
      devices[i] = pages.address();
      hosts[i] = frames.address();
    }
  }

  public static void main(String[] args) {
    int[] sizes = Arrays.stream(args).mapToInt(Integer::parseInt).toArray();
    Grid downBeside = sizes.length == 4 ? new Grid(sizes[0], sizes[1]) : TileMover.TO_HOST_BESIDE;
    Grid upGrid = sizes.length == 4 ? new Grid(sizes[2], sizes[3]) : TileMover.TO_DEVICE;
    try (CudaDevice device = CudaDevice.open(0);
        KernelModules kernels = new KernelModules(device);
        OpenedResources opened = new OpenedResources()) {
      line("%s, driver %d, JDK %s", device.name(), device.driverVersion(), Runtime.version());
      line("%d MiB each way, medians of %d, GB/s", BYTES >> 20, REPETITIONS);
      line("both ways: to host %s beside to device %s", downBeside, upGrid);
      TileTransferGpu bench = new TileTransferGpu(opened, device, downBeside, upGrid);
      bench.limit();
      try (TileMover toHost = new TileMover(device, kernels, 16);
          TileMover toDevice = new TileMover(device, kernels, 16)) {
        bench.sizes(toHost, toDevice);
      }
      for (int size : SIZES) {
        TransferCalibration speeds = TransferCalibration.measure(device, kernels, size);
        line("%4d KiB: %s; %s", size >> 10, speeds.fastest().path(), speeds);
      }
    }
  }

  private void limit() {
    Runnable toHost = () -> down.copyToHost(hosts[0], devices[0], BYTES);
    Runnable toDevice = () -> up.copyToDevice(devices[1], hosts[1], BYTES);
    line(
        "one contiguous copy: to host %.1f, to device %.1f, both ways %.1f",
        measure(toHost, null), measure(null, toDevice), measure(toHost, toDevice));
  }

  private void sizes(TileMover toHost, TileMover toDevice) {
    for (Path path : Path.values()) {
      line("%s", path);
      line("%10s %10s %10s %10s", "tile KiB", "to host", "to device", "both ways");
      for (int size : SIZES) {
        int count = (int) (BYTES / size);
        long[] pagesDown = scattered(devices[0], size, 1);
        long[] framesDown = scattered(hosts[0], size, 2);
        long[] pagesUp = scattered(devices[1], size, 3);
        long[] framesUp = scattered(hosts[1], size, 4);
        Runnable one =
            () -> toHost.toHost(down, path, TileMover.TO_HOST, pagesDown, framesDown, count, size);
        Runnable beside =
            () -> toHost.toHost(down, path, downBeside, pagesDown, framesDown, count, size);
        Runnable other = () -> toDevice.toDevice(up, path, upGrid, framesUp, pagesUp, count, size);
        line(
            "%10d %10.1f %10.1f %10.1f",
            size >> 10, measure(one, null), measure(null, other), measure(beside, other));
      }
    }
  }

  private static long[] scattered(long base, int size, long seed) {
    int count = (int) (BYTES / size);
    long[] places = new long[count];
    for (int i = 0; i < count; i++) {
      places[i] = base + (long) i * size;
    }
    Random random = new Random(seed);
    for (int i = count - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      long held = places[i];
      places[i] = places[other];
      places[other] = held;
    }
    return places;
  }

  /** Both begin behind one event and end before another; what is null is left out. */
  private double measure(@Nullable Runnable toHost, @Nullable Runnable toDevice) {
    double[] rates = new double[REPETITIONS];
    double bytes = (double) BYTES * ((toHost == null ? 0 : 1) + (toDevice == null ? 0 : 1));
    for (int i = -2; i < REPETITIONS; i++) {
      down.record(begin);
      up.waitFor(begin);
      CompletableFuture<Void> beside =
          CompletableFuture.runAsync(toDevice == null ? () -> {} : () -> queue(toDevice), other);
      if (toHost != null) {
        toHost.run();
      }
      beside.join();
      up.record(upDone);
      down.waitFor(upDone);
      down.record(end);
      down.synchronize();
      if (i >= 0) {
        rates[i] = bytes / (end.elapsedMs(begin) * 1e6);
      }
    }
    Arrays.sort(rates);
    return rates[REPETITIONS / 2];
  }

  private void queue(Runnable copies) {
    device.makeCurrent();
    copies.run();
  }

  private static void line(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
