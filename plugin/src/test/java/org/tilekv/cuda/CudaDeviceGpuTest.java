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
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class CudaDeviceGpuTest {

  @Test
  void devicesSayWhatTheyAre() {
    assertThat(Cuda.unavailableReason()).isNull();
    try (CudaDevice device = CudaDevice.open(0)) {
      assertThat(device.name()).isNotBlank();
      assertThat(device.computeCapability()).isBetween(75, 130);
      assertThat(device.multiprocessors()).isPositive();
      assertThat(device.sharedBytesPerBlockMax()).isGreaterThanOrEqualTo(48 << 10);
      assertThat(device.l2Bytes()).isPositive();
      assertThat(device.freeBytes()).isPositive().isLessThanOrEqualTo(device.totalBytes());
      assertThat(device.driverVersion()).isGreaterThanOrEqualTo(12000);
      System.out.printf(
          "%s sm_%d, %d multiprocessors, %d of %d MiB free, driver %d%n",
          device,
          device.computeCapability(),
          device.multiprocessors(),
          device.freeBytes() >> 20,
          device.totalBytes() >> 20,
          device.driverVersion());
    }
  }

  @Test
  void anUnknownDeviceIsRefused() {
    assertThatThrownBy(() -> CudaDevice.open(Cuda.deviceCount()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be 0 to");
  }

  @Test
  void bytesComeBackFromTheDevice() {
    try (GpuFixture gpu = new GpuFixture();
        PinnedMemory pinned = gpu.device.allocatePinned(1 << 20, "pinned");
        DeviceMemory memory = gpu.device.allocate(1 << 20, "a");
        DeviceMemory copy = gpu.device.allocate(1 << 20, "b")) {
      byte[] bytes = new byte[1 << 20];
      new Random(1).nextBytes(bytes);
      pinned.buffer().put(bytes);
      gpu.stream.copyToDevice(memory.address(), pinned.address(), bytes.length);
      gpu.stream.copyOnDevice(copy.address(), memory.address(), bytes.length);
      gpu.stream.fill(copy.address() + 16, (byte) 7, 3);
      gpu.stream.fillInts(copy.address() + 32, 0x01020304, 2);
      ByteBuffer back = gpu.downloadBytes(copy);
      assertThat(back.getInt(32)).isEqualTo(0x01020304);
      assertThat(back.getInt(36)).isEqualTo(0x01020304);
      assertThat(back.get(16)).isEqualTo((byte) 7);
      assertThat(back.get(18)).isEqualTo((byte) 7);
      back.put(16, bytes, 16, 3).put(32, bytes, 32, 8);
      assertThat(back).isEqualTo(ByteBuffer.wrap(bytes));
    }
  }

  @Test
  void memoryIsCountedByTag() {
    try (CudaDevice device = CudaDevice.open(0)) {
      DeviceMemory tiles = device.allocate(1000, "tiles");
      DeviceMemory more = device.allocate(24, "tiles");
      PinnedMemory slab = device.allocatePinned(64, "slab");
      CudaEvent event = device.createEvent(false);
      assertThat(device.usage().deviceBytes()).containsOnlyKeys("tiles").containsValue(1024L);
      assertThat(device.usage().pinnedBytes()).containsEntry("slab", 64L);
      assertThat(device.usage().events()).isEqualTo(1);
      assertThatThrownBy(device::close)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("tiles=1024")
          .hasMessageContaining("slab=64")
          .hasMessageContaining("events 1");
      tiles.close();
      tiles.close();
      more.close();
      slab.close();
      event.close();
      assertThat(device.usage().isEmpty()).isTrue();
      assertThatThrownBy(tiles::address).hasMessageContaining("tiles of 1000 bytes is closed");
    }
  }

  @Test
  void fullMemoryIsAnErrorThatGoesAway() {
    try (CudaDevice device = CudaDevice.open(0)) {
      long tooMuch = 2 * device.totalBytes();
      CudaOutOfMemoryException full =
          catchThrowableOfType(
              CudaOutOfMemoryException.class, () -> device.allocate(tooMuch, "too much"));
      assertThat(full)
          .hasMessageContaining("CUDA_ERROR_OUT_OF_MEMORY")
          .hasMessageContaining(tooMuch + " bytes for too much")
          .hasMessageContaining("bytes free");
      assertThat(full.code()).isEqualTo(2);
      assertThat(device.usage().isEmpty()).isTrue();
      device.allocate(1 << 20, "fits").close();
    }
  }

  @Test
  void pinnedPiecesHaveALimit() {
    try (CudaDevice device = CudaDevice.open(0)) {
      assertThatThrownBy(() -> device.allocatePinned(PinnedMemory.MAX_BYTES + 1, "slab"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1073741825");
    }
  }

  @Test
  void aThreadWithoutTheDeviceIsTold() throws InterruptedException {
    try (GpuFixture gpu = new GpuFixture();
        DeviceMemory memory = gpu.device.allocate(64, "test")) {
      AtomicReference<Throwable> before = new AtomicReference<>();
      AtomicReference<Throwable> after = new AtomicReference<>();
      Thread thread =
          new Thread(
              () -> {
                before.set(
                    org.assertj.core.api.Assertions.catchThrowable(
                        () -> CudaErrors.check(jcuda.driver.JCudaDriver.cuCtxSynchronize(), "x")));
                gpu.device.makeCurrent();
                after.set(
                    org.assertj.core.api.Assertions.catchThrowable(
                        () -> gpu.stream.fill(memory.address(), (byte) 0, 64)));
              });
      thread.start();
      thread.join();
      assertThat(before.get()).hasMessageContaining("makeCurrent()");
      assertThat(after.get()).isNull();
      gpu.stream.synchronize();
    }
  }

  @Test
  void openingAndClosingDoesNotGrow() {
    try (CudaDevice device = CudaDevice.open(0)) {
      openAndClose(device, 50);
      long free = device.freeBytes();
      openAndClose(device, 1000);
      assertThat(device.freeBytes()).isGreaterThanOrEqualTo(free - (8 << 20));
      assertThat(device.usage().isEmpty()).isTrue();
    }
  }

  private static void openAndClose(CudaDevice device, int times) {
    for (int i = 0; i < times; i++) {
      try (CudaDevice again = CudaDevice.open(0);
          CudaStream stream = again.createStream();
          CudaEvent event = again.createEvent(true);
          DeviceMemory memory = again.allocate(1 << 20, "test")) {
        stream.fill(memory.address(), (byte) 1, memory.bytes());
        stream.record(event);
        event.synchronize();
      }
      device.makeCurrent();
    }
  }
}
