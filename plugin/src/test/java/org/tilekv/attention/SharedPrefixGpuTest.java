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
package org.tilekv.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tilekv.KvDtype;
import org.tilekv.OpenedResources;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaEvent;
import org.tilekv.cuda.CudaGraph;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.CudaUsage;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.DeviceTiles;
import org.tilekv.cuda.KernelModules;
import org.tilekv.page.PageTable;

/**
 * Decode rows that share a prefix: as the planner decides, and every row by itself. Both give the
 * same results; prints what both take, for 32 query and 8 KV heads in bf16.
 */
@Tag("gpu")
class SharedPrefixGpuTest {

  private static final int TILE = 64;
  private static final int KV_HEADS = 8;
  private static final int QUERY_HEADS = 32;
  private static final int CALLS = 8;
  private static final int REPLAYS = 11;

  /** Pages, q and outputs on the device; pages are scattered. */
  private static final class Fixture implements AutoCloseable {
    final CudaDevice device = CudaDevice.open(0);
    private final OpenedResources opened = new OpenedResources();
    final CudaStream stream = opened.add(device.createStream());
    private final KernelModules kernels = opened.add(new KernelModules(device));
    private final Segments segments = new Segments();
    private final CudaPagedAttention attention;
    private final CudaKvMemory memory;
    private final DeviceMemory q;
    private final DeviceMemory out;
    private final DeviceMemory buffer;
    private final int rows;
    private final int width;

    Fixture(int rows, int shared, int own, int dim) {
      this.rows = rows;
      width = QUERY_HEADS * dim;
      TileGeometry geometry = new TileGeometry(1, KV_HEADS, dim, TILE, KvDtype.BFLOAT16);
      int sharedTiles = shared / TILE;
      int tiles = (shared + own + TILE - 1) / TILE;
      int pages = KV_HEADS * (sharedTiles + rows * (tiles - sharedTiles));
      PageTable table = new PageTable(rows, KV_HEADS, tiles);
      assign(table, sharedTiles, tiles, scattered(pages));
      DeviceTiles pool = opened.add(new DeviceTiles(device, kernels, stream, geometry, pages));
      fill(pool.address(), (long) pages * geometry.tileBytes());
      CudaPageTable mirror = opened.add(new CudaPageTable(device, kernels, stream, table));
      mirror.sync();
      memory = new CudaKvMemory(mirror, pool);
      attention =
          opened.add(CudaPagedAttention.open(device, stream, kernels, memory, QUERY_HEADS, rows));
      for (int row = 0; row < rows; row++) {
        segments.add(row, shared + own - 1, 1);
      }
      q = opened.add(device.allocate(2L * rows * width, "test"));
      fill(q.address(), q.bytes());
      out = opened.add(device.allocate(q.bytes(), "test"));
      buffer = opened.add(device.allocate(1 << 20, "test"));
    }

    private void assign(PageTable table, int sharedTiles, int tiles, int[] pages) {
      int next = 0;
      for (int row = 0; row < rows; row++) {
        for (int head = 0; head < KV_HEADS; head++) {
          for (int tile = 0; tile < tiles; tile++) {
            boolean own = row == 0 || tile >= sharedTiles;
            table.assign(row, head, tile, own ? pages[next++] : table.lookup(0, head, tile));
          }
        }
      }
    }

    private static int[] scattered(int count) {
      int[] pages = new int[count];
      Random random = new Random(7);
      for (int i = 0; i < count; i++) {
        int j = random.nextInt(i + 1);
        pages[i] = pages[j];
        pages[j] = i;
      }
      return pages;
    }

    private void fill(long address, long bytes) {
      ByteBuffer chunk = direct(8 << 20);
      Random random = new Random(bytes);
      while (chunk.hasRemaining()) {
        chunk.putShort(Bf16.fromFloat((float) random.nextGaussian()));
      }
      for (long at = 0; at < bytes; at += chunk.capacity()) {
        long part = Math.min(chunk.capacity(), bytes - at);
        stream.copyToDevice(address + at, Cuda.addressOf(chunk), part);
      }
      stream.synchronize();
    }

    /** Sends a plan; null stands for every row by itself. */
    DecodePlan plan(boolean shared) {
      DecodePlan plan =
          shared ? attention.plans(new int[] {0}).get(0) : new DecodePlan(0, rows, null);
      ByteBuffer bytes = direct(plan.bytes(rows));
      plan.write(segments, rows, rows, bytes, 0);
      stream.copyToDevice(buffer.address(), Cuda.addressOf(bytes), bytes.capacity());
      stream.synchronize();
      return plan;
    }

    void attend(DecodePlan plan) {
      attention.decode(stream, 0, q.address(), width, out.address(), plan, buffer.address());
    }

    float[] result() {
      ByteBuffer bytes = direct(Math.toIntExact(out.bytes()));
      stream.copyToHost(Cuda.addressOf(bytes), out.address(), out.bytes());
      stream.synchronize();
      float[] values = new float[rows * width];
      for (int i = 0; i < values.length; i++) {
        values[i] = Bf16.toFloat(bytes.getShort(2 * i));
      }
      return values;
    }

    /** Median microseconds of one call, captured in a graph. */
    double micros(Consumer<CudaStream> call) {
      stream.beginCapture();
      for (int i = 0; i < CALLS; i++) {
        call.accept(stream);
      }
      double[] times = new double[REPLAYS];
      try (CudaGraph graph = stream.endCapture();
          CudaEvent from = device.createEvent(true);
          CudaEvent to = device.createEvent(true)) {
        stream.launch(graph);
        for (int i = 0; i < REPLAYS; i++) {
          stream.record(from);
          stream.launch(graph);
          stream.record(to);
          stream.synchronize();
          times[i] = 1e3 * to.elapsedMs(from) / CALLS;
        }
      }
      Arrays.sort(times);
      return times[REPLAYS / 2];
    }

    private static ByteBuffer direct(int bytes) {
      return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {
      opened.close();
      assertThat(device.usage()).matches(CudaUsage::isEmpty, "nothing is open");
      device.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "256, 8192, 128, 128", "64, 32768, 128, 128", "256, 4096, 512, 128", "256, 1024, 128, 128",
    "256, 384, 192, 128", "256, 128, 128, 128", "64, 8192, 128, 128", "64, 1024, 128, 128",
    "64, 384, 192, 128", "64, 128, 128, 128", "16, 8192, 128, 128", "16, 1024, 128, 128",
    "16, 384, 192, 128", "4, 8192, 128, 128", "4, 1024, 128, 128", "2, 8192, 128, 128",
    "1, 4096, 64, 128", "256, 8192, 128, 64", "256, 1024, 128, 64", "256, 384, 192, 64",
    "256, 128, 128, 64", "64, 1024, 128, 64", "64, 384, 192, 64", "16, 8192, 128, 64"
  })
  void agreesWithRowsByThemselves(int rows, int shared, int own, int dim) {
    try (Fixture f = new Fixture(rows, shared, own, dim)) {
      DecodePlan flat = f.plan(false);
      f.attend(flat);
      float[] expected = f.result();
      double flatMicros = f.micros(stream -> f.attend(flat));
      DecodePlan planned = f.plan(true);
      f.attend(planned);
      float[] got = f.result();
      double plannedMicros = f.micros(stream -> f.attend(planned));
      System.out.printf(
          "shared prefix: B=%d P=%d U=%d d=%d: %s, flat %.1f us, planned %.1f us (%.3f)%n",
          rows,
          shared,
          own,
          dim,
          planned.sharing() ? "read once" : "flat",
          flatMicros,
          plannedMicros,
          plannedMicros / flatMicros);
      assertThat(relativeError(got, expected)).isLessThan(1e-2);
    }
  }

  private static double relativeError(float[] got, float[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < got.length; i++) {
      difference += Math.pow(got[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / norm);
  }
}
