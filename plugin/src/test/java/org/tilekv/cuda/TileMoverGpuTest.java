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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.cuda.TileMover.Path;

/** Tiles between scattered pages and scattered frames: every byte, and none beside them. */
@Tag("gpu")
class TileMoverGpuTest {

  private final GpuFixture gpu = new GpuFixture();

  @AfterEach
  void nothingIsLeftOpen() {
    gpu.close();
  }

  @ParameterizedTest
  @CsvSource({
    "PER_TILE, 16384, 300",
    "GATHERED, 16384, 5000",
    "GATHERED, 16, 100",
    "GATHERED, 2064, 77",
    "GATHERED, 131072, 200",
    "PER_TILE, 1048576, 9",
    "GATHERED, 2097152, 5",
    "GATHERED, 4096, 1",
    "GATHERED, 256, 17000",
    "BATCHED, 131072, 200",
    "BATCHED, 16384, 5000",
    "BATCHED, 262144, 8",
    "BATCHED, 2097152, 33",
    "BATCHED, 24, 90000"
  })
  void tilesComeBackAsTheyWent(Path path, int tileBytes, int count) {
    int slots = 2 * count;
    try (KernelModules kernels = new KernelModules(gpu.device);
        CudaStream stream = gpu.device.createStream();
        TileMover mover = new TileMover(gpu.device, kernels, 4);
        DeviceMemory pool = gpu.device.allocate((long) slots * tileBytes, "test");
        PinnedMemory out = gpu.device.allocatePinned((long) slots * tileBytes, "test");
        PinnedMemory back = gpu.device.allocatePinned((long) slots * tileBytes, "test")) {
      Random random = new Random(tileBytes);
      int[] page = permutation(slots, random);
      int[] frame = permutation(slots, random);
      for (int i = 0; i < count; i++) {
        fill(out, (long) frame[i] * tileBytes, tileBytes, i);
      }
      stream.fill(pool.address(), (byte) 0x5A, (long) slots * tileBytes);
      long[] pages = addresses(pool.address(), page, count, tileBytes);
      mover.toDevice(
          stream,
          path,
          TileMover.TO_DEVICE,
          addresses(out.address(), frame, count, tileBytes),
          pages,
          count,
          tileBytes);
      int[] other = permutation(slots, random);
      mover.toHost(
          stream,
          path,
          TileMover.TO_HOST,
          pages,
          addresses(back.address(), other, count, tileBytes),
          count,
          tileBytes);
      stream.synchronize();
      for (int i = 0; i < count; i++) {
        check(back, (long) other[i] * tileBytes, tileBytes, i);
      }
      checkNoneBeside(stream, pool, page, count, tileBytes);
    }
  }

  /** Pages that no move names hold what they held. */
  private void checkNoneBeside(
      CudaStream stream, DeviceMemory pool, int[] page, int count, int tileBytes) {
    try (PinnedMemory all = gpu.device.allocatePinned(pool.bytes(), "test")) {
      stream.copyToHost(all.address(), pool.address(), pool.bytes());
      stream.synchronize();
      ByteBuffer untouched = ByteBuffer.allocate(tileBytes);
      Arrays.fill(untouched.array(), (byte) 0x5A);
      for (int i = count; i < page.length; i++) {
        ByteBuffer found = all.buffer().slice(page[i] * tileBytes, tileBytes);
        assertThat(found.mismatch(untouched)).as("page %d", page[i]).isEqualTo(-1);
      }
    }
  }

  @Test
  void aTileIsAMultipleOf16Bytes() {
    try (KernelModules kernels = new KernelModules(gpu.device);
        CudaStream stream = gpu.device.createStream();
        TileMover mover = new TileMover(gpu.device, kernels, 4)) {
      assertThatThrownBy(
              () ->
                  mover.toHost(
                      stream, Path.GATHERED, TileMover.TO_HOST, new long[1], new long[1], 1, 24))
          .hasMessageContaining("a tile has 24 bytes");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 16 << 10, 1_000_000, 8 << 20})
  void theCalibrationKnowsTheFastestWay(int tileBytes) {
    try (KernelModules kernels = new KernelModules(gpu.device)) {
      TransferCalibration speeds = TransferCalibration.measure(gpu.device, kernels, tileBytes);
      System.out.println(tileBytes + " bytes: " + speeds);
      double fastest = speeds.fastest().bothWays();
      assertThat(fastest).isPositive();
      assertThat(speeds.speeds()).allMatch(speed -> speed.bothWays() <= fastest);
    }
  }

  private static int[] permutation(int count, Random random) {
    int[] places = IntStream.range(0, count).toArray();
    for (int i = count - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int held = places[i];
      places[i] = places[other];
      places[other] = held;
    }
    return places;
  }

  private static long[] addresses(long base, int[] places, int count, int tileBytes) {
    return IntStream.range(0, count).mapToLong(i -> base + (long) places[i] * tileBytes).toArray();
  }

  private static int word(int tile, int at) {
    return (tile * 31 + at) * 0x9E3779B9;
  }

  private static void fill(PinnedMemory memory, long from, int bytes, int tile) {
    var buffer = memory.buffer();
    for (int at = 0; at < bytes; at += Integer.BYTES) {
      buffer.putInt((int) from + at, word(tile, at));
    }
  }

  private static void check(PinnedMemory memory, long from, int bytes, int tile) {
    var buffer = memory.buffer();
    for (int at = 0; at < bytes; at += Integer.BYTES) {
      int found = buffer.getInt((int) from + at);
      if (found != word(tile, at)) {
        throw new AssertionError("tile " + tile + " is wrong at byte " + at);
      }
    }
  }
}
