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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Copies of which some are queued when the next one fails: their memory is somebody else's soon.
 */
@Tag("gpu")
class FailedCopyGpuTest {

  private static final int TILE_BYTES = 1 << 20;

  private final GpuFixture gpu = new GpuFixture();

  @AfterEach
  void nothingIsLeftOpen() {
    gpu.close();
  }

  @Test
  void whatALaneHasQueuedEndsBeforeItThrows() {
    try (KernelModules kernels = new KernelModules(gpu.device);
        DeviceMemory pool = gpu.device.allocate(1L << 30, "test");
        CopyLane lane =
            new CopyLane(
                gpu.device, kernels, pool.address(), TILE_BYTES, TileMover.Path.GATHERED, 1)) {
      IllegalStateException failure = new IllegalStateException("the next copy failed");
      assertThatThrownBy(
              () ->
                  lane.queue(
                      () -> {
                        for (int i = 0; i < 100; i++) {
                          lane.stream().fill(pool.address(), (byte) i, pool.bytes());
                        }
                        throw failure;
                      }))
          .isSameAs(failure);
      assertThat(lane.stream().isDone()).isTrue();
    }
  }

  @Test
  void aStreamWaitsForTheCopiesOfABatchThatWereQueued() {
    int queued = 768;
    long bytes = (long) queued * TILE_BYTES;
    try (CudaStream stream = gpu.device.createStream();
        BatchedCopies copies = new BatchedCopies(gpu.device);
        DeviceMemory pool = gpu.device.allocate(bytes, "test");
        PinnedMemory frames = gpu.device.allocatePinned(bytes, "test")) {
      stream.fill(pool.address(), (byte) 7, bytes);
      long[] from = new long[queued];
      long[] to = new long[queued];
      for (int i = 0; i < queued; i++) {
        from[i] = pool.address() + (long) i * TILE_BYTES;
        to[i] = frames.address() + (long) i * TILE_BYTES;
      }
      ByteBuffer found = frames.buffer();
      boolean failed = false;
      try {
        copies.copy(stream, from, to, queued + 1, TILE_BYTES);
      } catch (ArrayIndexOutOfBoundsException e) {
        failed = true;
      }
      stream.synchronize();
      // At once, or the copies would end by themselves meanwhile.
      byte last = found.get((int) bytes - 1);
      assertThat(failed).isTrue();
      assertThat(last).isEqualTo((byte) 7);
    }
  }
}
