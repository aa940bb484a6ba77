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
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Random;

/**
 * A device with a stream and the test kernels; closing it checks that a test has left nothing open.
 */
final class GpuFixture implements AutoCloseable {
  final CudaDevice device = CudaDevice.open(0);
  final CudaStream stream = device.createStream();
  final CudaModule kernels = Kernels.load(device, "test_kernels");

  /** Device memory with those values. */
  DeviceMemory upload(float[] values) {
    ByteBuffer bytes = direct(4L * values.length);
    bytes.asFloatBuffer().put(values);
    return upload(bytes);
  }

  DeviceMemory upload(ByteBuffer direct) {
    DeviceMemory memory = device.allocate(direct.capacity(), "test");
    stream.copyToDevice(memory.address(), Cuda.addressOf(direct), direct.capacity());
    stream.synchronize();
    return memory;
  }

  float[] download(DeviceMemory memory) {
    FloatBuffer values = downloadBytes(memory).asFloatBuffer();
    float[] copy = new float[values.remaining()];
    values.get(copy);
    return copy;
  }

  ByteBuffer downloadBytes(DeviceMemory memory) {
    ByteBuffer bytes = direct(memory.bytes());
    stream.copyToHost(Cuda.addressOf(bytes), memory.address(), memory.bytes());
    stream.synchronize();
    return bytes;
  }

  static ByteBuffer direct(long bytes) {
    return ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.nativeOrder());
  }

  static float[] random(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @Override
  public void close() {
    kernels.close();
    stream.close();
    assertThat(device.usage()).matches(CudaUsage::isEmpty, "nothing is open");
    device.close();
  }
}
