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
package org.tilekv.spark;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.cuda.CudaDeviceInfo;

/** Two GPUs of 1,000 bytes, or none. */
record FakeGpus(@Nullable String unavailableReason) implements Gpus {

  static final FakeGpus NONE = new FakeGpus("CUDA is not available: this is a test");
  static final FakeGpus TWO = new FakeGpus(null);

  @Override
  public List<CudaDeviceInfo> devices() {
    return List.of(
        new CudaDeviceInfo(0, "fake", 1000, "0000:01:00.0", "GPU-a"),
        new CudaDeviceInfo(1, "fake", 1000, "0000:02:00.0", "GPU-b"));
  }

  @Override
  public int ordinalOf(String address) {
    return Integer.parseInt(address);
  }
}
