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
import java.util.Locale;
import org.tilekv.OpenedResources;
import org.tilekv.cuda.TileMover.Path;

/**
 * Measures what copies between a device and pinned host memory cost, and says which way was the
 * faster for a tile size. Takes 32 MiB on either side while it measures.
 */
public final class TransferCalibration {

  private static final long BYTES = 32L << 20;
  private static final int REPETITIONS = 5;
  private static final int[] SIZES = {16 << 10, 64 << 10, 256 << 10, 1 << 20, 2 << 20};

  /** Bytes per second of one tile size: per direction, per path. */
  public record Speed(int tileBytes, double[] toHost, double[] toDevice) {

    Path faster(double[] bytesPerSecond) {
      return bytesPerSecond[Path.PER_TILE.ordinal()] > bytesPerSecond[Path.GATHERED.ordinal()]
          ? Path.PER_TILE
          : Path.GATHERED;
    }
  }

  private final Speed[] speeds;

  private TransferCalibration(Speed[] speeds) {
    this.speeds = speeds;
  }

  /** Measures; nothing else should run on the device. */
  public static TransferCalibration measure(CudaDevice device, KernelModules kernels) {
    try (OpenedResources opened = new OpenedResources()) {
      Bench bench = new Bench(opened, device, kernels);
      return new TransferCalibration(
          Arrays.stream(SIZES).mapToObj(bench::speed).toArray(Speed[]::new));
    }
  }

  /** The way for tiles of that size, device to host. */
  public Path toHost(int tileBytes) {
    Speed speed = nearest(tileBytes);
    return speed.faster(speed.toHost());
  }

  /** The way for tiles of that size, host to device. */
  public Path toDevice(int tileBytes) {
    Speed speed = nearest(tileBytes);
    return speed.faster(speed.toDevice());
  }

  /** Bytes per second to expect, host to device. */
  public double toDeviceBytesPerSecond(int tileBytes) {
    return Arrays.stream(nearest(tileBytes).toDevice()).max().orElseThrow();
  }

  /** Bytes per second to expect, device to host. */
  public double toHostBytesPerSecond(int tileBytes) {
    return Arrays.stream(nearest(tileBytes).toHost()).max().orElseThrow();
  }

  private Speed nearest(int tileBytes) {
    Speed best = speeds[0];
    for (Speed speed : speeds) {
      if (Math.abs(Math.log((double) speed.tileBytes() / tileBytes))
          < Math.abs(Math.log((double) best.tileBytes() / tileBytes))) {
        best = speed;
      }
    }
    return best;
  }

  /** A line per tile size, for the log. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("GB/s to host and to device, per tile and gathered:");
    for (Speed s : speeds) {
      text.append(
          String.format(
              Locale.ROOT,
              "%n%5d KiB %5.1f %5.1f | %5.1f %5.1f",
              s.tileBytes() >> 10,
              s.toHost()[0] / 1e9,
              s.toHost()[1] / 1e9,
              s.toDevice()[0] / 1e9,
              s.toDevice()[1] / 1e9));
    }
    return text.toString();
  }

  /** Memory on both sides, and a stopwatch. */
  private static final class Bench {
    private final CudaStream stream;
    private final CudaEvent begin;
    private final CudaEvent end;
    private final TileMover mover;
    private final long page;
    private final long frame;

    Bench(OpenedResources opened, CudaDevice device, KernelModules kernels) {
      stream = opened.add(device.createStream());
      begin = opened.add(device.createEvent(true));
      end = opened.add(device.createEvent(true));
      mover = opened.add(new TileMover(device, kernels, 2));
      page = opened.add(device.allocate(BYTES, "calibration")).address();
      frame = opened.add(device.allocatePinned(BYTES, "calibration")).address();
    }

    Speed speed(int tileBytes) {
      int count = (int) (BYTES / tileBytes);
      long[] pages = new long[count];
      long[] frames = new long[count];
      for (int i = 0; i < count; i++) {
        pages[i] = page + (long) i * tileBytes;
        // Another order on the host, so that neither side is one long run.
        frames[i] = frame + (i * 7919L + 13) % count * tileBytes;
      }
      double[] down = new double[Path.values().length];
      double[] up = new double[Path.values().length];
      for (Path path : Path.values()) {
        down[path.ordinal()] =
            median(
                () ->
                    mover.toHost(stream, path, TileMover.TO_HOST, pages, frames, count, tileBytes));
        up[path.ordinal()] =
            median(
                () ->
                    mover.toDevice(
                        stream, path, TileMover.TO_DEVICE, frames, pages, count, tileBytes));
      }
      return new Speed(tileBytes, down, up);
    }

    private double median(Runnable copies) {
      double[] bytesPerSecond = new double[REPETITIONS];
      copies.run();
      for (int i = 0; i < REPETITIONS; i++) {
        stream.record(begin);
        copies.run();
        stream.record(end);
        stream.synchronize();
        bytesPerSecond[i] = BYTES / (end.elapsedMs(begin) * 1e-3);
      }
      Arrays.sort(bytesPerSecond);
      return bytesPerSecond[REPETITIONS / 2];
    }
  }
}
