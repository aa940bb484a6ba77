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
package org.tilekv.cache;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.attention.CudaKvMemory;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaModule;
import org.tilekv.cuda.CudaUsage;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.Kernels;

/**
 * Kernels that are not ours, compiled here against {@code kv_tile_cache.cuh}, read tiles through
 * the page table and write one back; the host knows from {@link TileGeometry} where everything is.
 */
@Tag("gpu")
class UserKernelGpuTest {

  private static final int BEAMS = 3;
  private static final int MAX_TILES = 6;
  private static final int LAYER = 1;

  private final CudaDevice device = CudaDevice.open(0);
  private final Random random = new Random(5);

  @AfterEach
  void nothingIsLeft() {
    assertThat(device.usage()).matches(CudaUsage::isEmpty, "nothing is open");
    device.close();
  }

  @Test
  void tilesAreReadThroughTheTableAndOneIsWritten() {
    TileGeometry geometry = new TileGeometry(3, 2, 80, 32, KvDtype.FLOAT32);
    try (CudaModule module = compile();
        GpuTileCache cache = GpuTileCache.init(geometry, 20, BEAMS, MAX_TILES, device)) {
      // Tiles in an order that makes their pages lie anywhere.
      ByteBuffer[][] beam = new ByteBuffer[geometry.kvHeads()][4];
      for (int tile : new int[] {2, 0, 3, 1}) {
        for (int head = 0; head < geometry.kvHeads(); head++) {
          beam[head][tile] = write(cache, 2, head, tile);
        }
      }
      ByteBuffer[] before = {write(cache, 0, 0, 5), write(cache, 0, 1, 5)};
      assertThat(cache.reserve(0, 5, 6)).isTrue();
      assertThat(sumKeys(cache, module, 2, 4, 0, 5)).as("tiles without a page").isZero();
      cache.registerTiles(0, 5, 6);
      for (int head = 0; head < geometry.kvHeads(); head++) {
        ByteBuffer after = read(cache, cache.get(0, head, 5));
        checkSums(geometry, beam[head], before[head], after);
      }
    }
  }

  @Test
  void tilesThatAreNotThereAreNull() {
    TileGeometry geometry = new TileGeometry(3, 2, 64, 16, KvDtype.FLOAT32);
    try (CudaModule module = compile();
        GpuTileCache cache = GpuTileCache.init(geometry, 4, BEAMS, MAX_TILES, device)) {
      write(cache, 0, 0, 0);
      write(cache, 0, 1, 0);
      write(cache, 1, 0, 0);
      write(cache, 1, 1, 0);
      assertThat(sumKeys(cache, module, 0, 1, 1, 0)).isZero();
      assertThat(sumKeys(cache, module, 0, 3, 1, 0)).as("2 tiles of 2 heads").isEqualTo(4);
      assertThat(sumKeys(cache, module, 0, 1, 1, 2)).as("no target, 2 heads").isEqualTo(2);
      assertThat(sumKeys(cache, module, BEAMS, 1, 1, 0)).as("no such beam").isEqualTo(2);
      assertThat(sumKeys(cache, module, 0, 1, 1, MAX_TILES)).as("no such tile").isEqualTo(2);
      // Beam 0 was used least recently: its tiles make room and the table forgets them.
      assertThat(cache.reserve(2, 0, 1)).isTrue();
      assertThat(sumKeys(cache, module, 0, 1, 1, 0)).as("evicted").isEqualTo(2);
    }
  }

  @Test
  void scalesOfInt8TilesAreWhereTheGeometrySays() {
    TileGeometry geometry = new TileGeometry(2, 2, 64, 16, KvDtype.INT8);
    int positions = 40;
    try (CudaModule module = compile();
        GpuTileCache cache = GpuTileCache.init(geometry, 8, BEAMS, MAX_TILES, device)) {
      ByteBuffer[][] tiles = new ByteBuffer[geometry.kvHeads()][3];
      for (int head = 0; head < geometry.kvHeads(); head++) {
        for (int tile = 0; tile < 3; tile++) {
          tiles[head][tile] = write(cache, 1, head, tile);
        }
      }
      int floats = geometry.kvHeads() * positions * 2 * geometry.headDim();
      try (DeviceMemory out = device.allocate((long) floats * Float.BYTES, "test")) {
        cache.sync();
        CudaFunction kernel = module.function("dequantise");
        KernelArguments arguments =
            KernelArguments.ofSizes(CudaKvMemory.HANDLE_BYTES, 4, 4, 4, 8).begin();
        arguments.struct(cache.kernelHandle()).integer(LAYER).integer(1).integer(positions);
        arguments.address(out.address());
        kernel.launch(cache.stream(), geometry.kvHeads(), 1, 1, 64, 0, arguments);
        checkDequantised(geometry, tiles, positions, read(cache, out.address(), 4 * floats));
      }
    }
  }

  private CudaModule compile() {
    try (InputStream in =
        requireNonNull(getClass().getResourceAsStream("/kernels/user_kernels.cu"))) {
      String source = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Kernels.compile(device, "user_kernels.cu", source, List.of());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Tiles that the kernel found no page for. */
  private int sumKeys(
      GpuTileCache cache, CudaModule module, int from, int tiles, int to, int target) {
    try (DeviceMemory absent = device.allocate(Integer.BYTES, "test")) {
      cache.stream().fillInts(absent.address(), 0, 1);
      cache.sync();
      KernelArguments arguments =
          KernelArguments.ofSizes(CudaKvMemory.HANDLE_BYTES, 4, 4, 4, 4, 4, 8).begin();
      arguments.struct(cache.kernelHandle()).integer(LAYER).integer(from).integer(tiles);
      arguments.integer(to).integer(target).address(absent.address());
      int heads = cache.geometry().kvHeads();
      module.function("sum_keys").launch(cache.stream(), heads, 1, 1, 128, 0, arguments);
      return read(cache, absent.address(), Integer.BYTES).getInt(0);
    }
  }

  /** Fills a tile with small numbers, of which sums are exact, and registers it. */
  private ByteBuffer write(GpuTileCache cache, int beam, int head, int tile) {
    TileGeometry geometry = cache.geometry();
    ByteBuffer bytes = direct(geometry.tileBytes());
    if (geometry.dtype() == KvDtype.INT8) {
      random.ints(geometry.valueElements()).forEach(value -> bytes.put((byte) value));
    }
    while (bytes.hasRemaining()) {
      bytes.putFloat(random.nextInt(1000) - 500);
    }
    long address = cache.getWritePtr(beam, head, tile);
    cache.stream().copyToDevice(address, Cuda.addressOf(bytes), bytes.capacity());
    cache.stream().synchronize();
    cache.registerTile(beam, head, tile);
    return bytes;
  }

  private static ByteBuffer read(GpuTileCache cache, long address) {
    assertThat(address).isNotEqualTo(GpuTileCache.ABSENT);
    return read(cache, address, cache.geometry().tileBytes());
  }

  private static ByteBuffer read(GpuTileCache cache, long address, int bytes) {
    ByteBuffer copy = direct(bytes);
    cache.stream().copyToHost(Cuda.addressOf(copy), address, bytes);
    cache.stream().synchronize();
    return copy;
  }

  private static void checkSums(
      TileGeometry geometry, ByteBuffer[] tiles, ByteBuffer before, ByteBuffer after) {
    int from = geometry.valueOffset(LAYER, 0);
    int to = from + geometry.tileTokens() * geometry.headDim();
    for (int i = 0; i < geometry.tileElements(); i++) {
      float expected = before.getFloat(Float.BYTES * i);
      if (i >= from && i < to) {
        expected = 0;
        for (ByteBuffer tile : tiles) {
          expected += tile.getFloat(Float.BYTES * (geometry.keyOffset(LAYER, 0) + i - from));
        }
      }
      assertThat(after.getFloat(Float.BYTES * i)).as("element %d", i).isEqualTo(expected);
    }
  }

  private static void checkDequantised(
      TileGeometry geometry, ByteBuffer[][] tiles, int positions, ByteBuffer out) {
    for (int head = 0; head < geometry.kvHeads(); head++) {
      for (int position = 0; position < positions; position++) {
        ByteBuffer tile = tiles[head][geometry.tileOf(position)];
        int slot = geometry.slotOf(position);
        int at = (head * positions + position) * 2 * geometry.headDim();
        float keyScale = tile.getFloat(geometry.keyScaleOffset(LAYER, slot));
        float valueScale = tile.getFloat(geometry.valueScaleOffset(LAYER, slot));
        for (int d = 0; d < geometry.headDim(); d++) {
          float key = tile.get(geometry.keyOffset(LAYER, slot) + d) * keyScale;
          float value = tile.get(geometry.valueOffset(LAYER, slot) + d) * valueScale;
          int valueAt = at + geometry.headDim() + d;
          assertThat(out.getFloat(Float.BYTES * (at + d))).isCloseTo(key, within(0f));
          assertThat(out.getFloat(Float.BYTES * valueAt)).isCloseTo(value, within(0f));
        }
      }
    }
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }
}
