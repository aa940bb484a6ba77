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
import org.tilekv.attention.CudaPageTable;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaEvent;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;
import org.tilekv.cuda.PinnedMemory;
import org.tilekv.page.PageTable;

/**
 * What it costs to bring the page table to the device before a decode step of 256 rows: for tables
 * of several sizes and steps in which some of the rows begin a new tile, in all heads. Beside it,
 * what a copy of the whole table takes, and the same changes by a copy and a kernel.
 */
public final class PageTableSyncGpu {

  private static final int HEADS = 8;
  private static final int STEP_ROWS = 256;
  private static final int[][] TABLES = {{256, 64}, {256, 1024}, {1024, 1024}, {4096, 1024}};
  private static final int[] CHANGED_ROWS = {0, 1, 4, 16, 64, 256};
  private static final int REPETITIONS = 400;
  private static final int WARM_UP = 4000;
  private static final int PAIR_BYTES = 8;

  private final CudaDevice device;
  private final CudaStream stream;
  private final KernelModules kernels;
  private final CudaEvent begin;
  private final CudaEvent end;
  private final Random random = new Random(1);

  private PageTableSyncGpu(CudaDevice device, CudaStream stream, KernelModules kernels) {
    this.device = device;
    this.stream = stream;
    this.kernels = kernels;
    begin = device.createEvent(true);
    end = device.createEvent(true);
  }

  public static void main(String[] args) {
    try (CudaDevice device = CudaDevice.open(0);
        KernelModules kernels = new KernelModules(device);
        CudaStream stream = device.createStream()) {
      PageTableSyncGpu bench = new PageTableSyncGpu(device, stream, kernels);
      line("%s, driver %d, JDK %s", device.name(), device.driverVersion(), Runtime.version());
      line(
          "medians of %d; microseconds; call: until sync returns; done: until the device is",
          REPETITIONS);
      line("done; device: between events around it");
      line(
          "%8s %8s %10s | %7s %7s %8s | %7s %7s %7s",
          "rows", "tiles", "table KiB", "changed", "entries", "bytes", "call", "done", "device");
      for (int[] size : TABLES) {
        bench.table(size[0], size[1]);
      }
      bench.copyAndKernel();
      bench.begin.close();
      bench.end.close();
    }
  }

  private void table(int rows, int maxTiles) {
    PageTable table = new PageTable(rows, HEADS, maxTiles);
    try (CudaPageTable mirror = new CudaPageTable(device, kernels, stream, table)) {
      for (int changed : CHANGED_ROWS) {
        Times times = new Times();
        int bytes = 0;
        for (int i = 0; i < WARM_UP + REPETITIONS; i++) {
          change(table, changed);
          bytes = times.measure(i - WARM_UP, mirror::sync);
        }
        long tableBytes = (long) Integer.BYTES * rows * HEADS * maxTiles;
        line(
            "%8d %8d %10d | %7d %7d %8d | %s",
            rows, maxTiles, tableBytes >> 10, changed, bytes / PAIR_BYTES, bytes, times);
      }
      wholeTable(mirror, (long) Integer.BYTES * rows * HEADS * maxTiles);
    }
  }

  /** A new tile in all heads of rows anywhere in the table. */
  private void change(PageTable table, int rows) {
    int first = random.nextInt(table.rows());
    int step = Math.max(1, table.rows() / STEP_ROWS);
    for (int i = 0; i < rows; i++) {
      int row = (first + i * step) % table.rows();
      int tile = random.nextInt(table.maxTiles());
      for (int head = 0; head < HEADS; head++) {
        table.assign(row, head, tile, random.nextInt(1 << 20));
      }
    }
  }

  private void wholeTable(CudaPageTable mirror, long bytes) {
    try (PinnedMemory host = device.allocatePinned(bytes, "benchmark")) {
      Times times = new Times();
      for (int i = -20; i < REPETITIONS / 4; i++) {
        times.measure(
            i,
            () -> {
              stream.copyToDevice(mirror.address(), host.address(), bytes);
              return 0;
            });
      }
      line("%30s %7s %7s %8d | %s", "the whole table:", "", "", bytes, times);
    }
  }

  /** The pairs copied to the device first, against read from pinned memory by the kernel. */
  private void copyAndKernel() {
    int most = STEP_ROWS * HEADS;
    CudaFunction scatter = kernels.function("page_table", "tilekv_scatter");
    KernelArguments arguments = new KernelArguments(3);
    try (PinnedMemory pairs = device.allocatePinned((long) most * PAIR_BYTES, "benchmark");
        DeviceMemory devicePairs = device.allocate((long) most * PAIR_BYTES, "benchmark");
        DeviceMemory target = device.allocate(1 << 20, "benchmark")) {
      for (int i = 0; i < most; i++) {
        pairs.buffer().putInt(PAIR_BYTES * i, 100 * i).putInt(PAIR_BYTES * i + 4, i);
      }
      for (int rows : new int[] {1, 16, 256}) {
        int count = rows * HEADS;
        Times inPlace = new Times();
        Times copied = new Times();
        for (int i = -WARM_UP; i < REPETITIONS; i++) {
          inPlace.measure(
              i,
              () -> {
                arguments.begin().address(target.address()).address(pairs.address()).integer(count);
                scatter.launch(stream, (count + 255) / 256, 1, 1, 256, 0, arguments);
                return 0;
              });
          copied.measure(
              i,
              () -> {
                stream.copyToDevice(
                    devicePairs.address(), pairs.address(), (long) count * PAIR_BYTES);
                arguments.begin().address(target.address()).address(devicePairs.address());
                arguments.integer(count);
                scatter.launch(stream, (count + 255) / 256, 1, 1, 256, 0, arguments);
                return 0;
              });
        }
        line(
            "%d entries, launches alone: kernel reads pinned memory %s; copy and kernel %s",
            count, inPlace, copied);
      }
    }
  }

  @FunctionalInterface
  private interface Work {
    int run();
  }

  /** Medians of three times of some work. */
  private final class Times {
    private final double[] call = new double[REPETITIONS];
    private final double[] done = new double[REPETITIONS];
    private final double[] onDevice = new double[REPETITIONS];
    private int count;

    /** Runs the work twice as far as time goes: by the host's clock, or between events. */
    int measure(int repetition, Work work) {
      stream.synchronize();
      boolean events = (repetition & 1) == 0;
      if (events) {
        stream.record(begin);
      }
      long start = System.nanoTime();
      int result = work.run();
      long returned = System.nanoTime();
      if (events) {
        stream.record(end);
      }
      stream.synchronize();
      long finished = System.nanoTime();
      if (repetition >= 0) {
        int at = repetition / 2;
        if (events) {
          onDevice[at] = 1e3 * end.elapsedMs(begin);
        } else {
          call[at] = (returned - start) / 1e3;
          done[at] = (finished - start) / 1e3;
        }
        count = at + 1;
      }
      return result;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "%7.2f %7.2f %7.2f", median(call), median(done), median(onDevice));
    }

    private double median(double[] values) {
      double[] sorted = Arrays.copyOf(values, count);
      Arrays.sort(sorted);
      return sorted[count / 2];
    }
  }

  private static void line(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }
}
