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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class CudaStreamGpuTest {

  @Test
  void aGraphRunsAgainAndAgain() {
    try (GpuFixture gpu = new GpuFixture();
        DeviceMemory y = gpu.upload(new float[1024]);
        DeviceMemory x = gpu.device.allocate(4096, "test")) {
      gpu.stream.fillInts(x.address(), Float.floatToRawIntBits(1), 1024);
      CudaFunction kernel = gpu.kernels.function("scale_add");
      KernelArguments arguments =
          new KernelArguments(4)
              .setLong(0, y.address())
              .setLong(1, x.address())
              .setFloat(2, 2)
              .setInt(3, 1024);
      gpu.stream.beginCapture();
      for (int i = 0; i < 10; i++) {
        kernel.launch(gpu.stream, 4, 1, 1, 256, 0, arguments);
      }
      try (CudaGraph graph = gpu.stream.endCapture()) {
        assertThat(graph.nodes()).isEqualTo(10);
        assertThat(gpu.device.usage().graphs()).isEqualTo(1);
        assertThat(gpu.download(y)).containsOnly(0);
        arguments.setFloat(2, 99); // the graph keeps the captured value
        for (int i = 0; i < 5; i++) {
          gpu.stream.launch(graph);
        }
        assertThat(gpu.download(y)).containsOnly(100);
      }
    }
  }

  @Test
  void aFailedCaptureLeavesTheStreamUsable() {
    try (GpuFixture gpu = new GpuFixture();
        DeviceMemory memory = gpu.device.allocate(64, "test")) {
      assertThatThrownBy(
              () ->
                  gpu.stream.capture(
                      () -> {
                        gpu.stream.fill(memory.address(), (byte) 1, 64);
                        throw new IllegalStateException("on purpose");
                      }))
          .hasMessage("on purpose");
      assertThatThrownBy(() -> gpu.stream.capture(gpu.stream::synchronize))
          .isInstanceOf(CudaException.class);
      try (CudaGraph graph =
          gpu.stream.capture(() -> gpu.stream.fill(memory.address(), (byte) 5, 64))) {
        gpu.stream.launch(graph);
      }
      assertThat(gpu.downloadBytes(memory).get(63)).isEqualTo((byte) 5);
    }
  }

  @Test
  void streamsWaitForEachOther() {
    long bytes = 256L << 20;
    try (GpuFixture gpu = new GpuFixture();
        CudaStream other = gpu.device.createStream(-1);
        CudaEvent written = gpu.device.createEvent(false);
        DeviceMemory memory = gpu.device.allocate(bytes, "test");
        PinnedMemory pinned = gpu.device.allocatePinned(64, "test")) {
      for (int round = 1; round <= 20; round++) {
        gpu.stream.fill(memory.address(), (byte) round, bytes);
        gpu.stream.record(written);
        other.waitFor(written);
        other.copyToHost(pinned.address(), memory.address() + bytes - 64, 64);
        other.synchronize();
        assertThat(pinned.buffer().get(63)).isEqualTo((byte) round);
      }
      assertThat(other.isDone()).isTrue();
    }
  }

  @Test
  void eventsTellTheTime() {
    long bytes = 1L << 30;
    try (GpuFixture gpu = new GpuFixture();
        CudaEvent start = gpu.device.createEvent(true);
        CudaEvent end = gpu.device.createEvent(true);
        CudaEvent never = gpu.device.createEvent(false);
        DeviceMemory memory = gpu.device.allocate(bytes, "test")) {
      assertThat(never.isDone()).isTrue();
      gpu.stream.record(start);
      for (int i = 0; i < 50; i++) {
        gpu.stream.fill(memory.address(), (byte) i, bytes);
      }
      gpu.stream.record(end);
      assertThat(end.isDone()).isFalse();
      end.synchronize();
      assertThat(end.isDone()).isTrue();
      assertThat(end.elapsedMs(start)).isPositive();
      System.out.printf("fill %.0f GB/s%n", 50 * bytes / 1e6 / end.elapsedMs(start));
      assertThatThrownBy(() -> never.elapsedMs(start)).isInstanceOf(CudaException.class);
    }
  }

  @Test
  void pinnedMemoryIsSeenByKernels() {
    try (GpuFixture gpu = new GpuFixture();
        PinnedMemory x = gpu.device.allocatePinned(4096, "test");
        PinnedMemory y = gpu.device.allocatePinned(4096, "test")) {
      ByteBuffer values = x.buffer();
      for (int i = 0; i < 1024; i++) {
        values.putFloat(4 * i, i);
        y.buffer().putFloat(4 * i, 0);
      }
      gpu.kernels
          .function("scale_add")
          .launch(
              gpu.stream,
              4,
              1,
              1,
              256,
              0,
              new KernelArguments(4)
                  .setLong(0, y.address())
                  .setLong(1, x.address())
                  .setFloat(2, 3)
                  .setInt(3, 1024));
      gpu.stream.synchronize();
      assertThat(y.buffer().getFloat(4 * 1023)).isEqualTo(3069);
    }
  }
}
