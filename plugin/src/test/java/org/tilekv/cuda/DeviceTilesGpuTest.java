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

import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.tilekv.HostAllocator;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.TileMemory.Copy;

/** Copies on several streams, each behind those that it must not overtake. */
@Tag("gpu")
class DeviceTilesGpuTest {

  private static final TileGeometry GEOMETRY = new TileGeometry(8, 2, 64, 16, KvDtype.FLOAT32);
  private static final int EVICTED = 512;
  private static final int SOURCE = EVICTED;
  private static final int TARGET = EVICTED + 1;

  private final GpuFixture gpu = new GpuFixture();

  @AfterEach
  void nothingIsLeftOpen() {
    gpu.close();
  }

  /** The copy of slots waits for an eviction, and the page it reads is loaded meanwhile. */
  @Test
  void aPageIsFilledOnlyAfterItsSlotsWereCopied() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int[] evicted = IntStream.range(0, EVICTED).toArray();
    try (KernelModules kernels = new KernelModules(gpu.device);
        CudaStream steps = gpu.device.createStream();
        DeviceTiles tiles = new DeviceTiles(gpu.device, kernels, steps, GEOMETRY, EVICTED + 2)) {
      tiles.openHostCopies(gpu.device, kernels);
      HostAllocator host = Objects.requireNonNull(tiles.hostAllocator());
      ByteBuffer out = host.allocate(EVICTED * GEOMETRY.tileBytes());
      ByteBuffer page = host.allocate(GEOMETRY.tileBytes());
      for (int round = 0; round < 50; round++) {
        byte[] first = bytes(random);
        tiles.copyIn(new int[] {SOURCE}, page.clear().put(0, first));
        Copy eviction = tiles.beginCopyOut(evicted, out.clear());
        tiles.copySlots(new int[] {SOURCE}, new int[] {TARGET}, GEOMETRY.tileTokens());
        tiles.copyIn(new int[] {SOURCE}, page.clear().put(0, bytes(random)));
        eviction.await();
        steps.synchronize();
        tiles.copyOut(new int[] {TARGET}, page.clear());
        byte[] copied = new byte[GEOMETRY.tileBytes()];
        page.get(0, copied);
        assertThat(copied).as("seed %d, round %d", seed, round).isEqualTo(first);
      }
      host.free(out);
      host.free(page);
    }
  }

  /** A step under way still writes the page, which its row has let go of, when it is loaded. */
  @Test
  void aPageIsFilledOnlyAfterTheStepThatWritesIt() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (KernelModules kernels = new KernelModules(gpu.device);
        CudaStream steps = gpu.device.createStream();
        DeviceMemory other = gpu.device.allocate(1L << 30, "a step");
        DeviceTiles tiles = new DeviceTiles(gpu.device, kernels, steps, GEOMETRY, 1)) {
      tiles.openHostCopies(gpu.device, kernels);
      HostAllocator host = Objects.requireNonNull(tiles.hostAllocator());
      ByteBuffer page = host.allocate(GEOMETRY.tileBytes());
      for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 10; i++) {
          steps.fill(other.address(), (byte) i, other.bytes());
        }
        steps.fill(tiles.address(), (byte) round, GEOMETRY.tileBytes());
        tiles.lettingGo();
        byte[] loaded = bytes(random);
        tiles.copyIn(new int[] {0}, page.clear().put(0, loaded));
        steps.synchronize();
        tiles.copyOut(new int[] {0}, page.clear());
        byte[] found = new byte[GEOMETRY.tileBytes()];
        page.get(0, found);
        assertThat(found).as("seed %d, round %d", seed, round).isEqualTo(loaded);
      }
      host.free(page);
    }
  }

  private static byte[] bytes(Random random) {
    byte[] bytes = new byte[GEOMETRY.tileBytes()];
    random.nextBytes(bytes);
    return bytes;
  }
}
