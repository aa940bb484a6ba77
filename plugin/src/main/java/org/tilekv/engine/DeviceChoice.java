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
package org.tilekv.engine;

/**
 * Where a model runs.
 *
 * @param kind {@code cpu} or {@code gpu}
 * @param ordinal number of the GPU among those that the process sees
 * @param poolBytes bytes of the page pool in device memory, 0 for what the share leaves
 * @param share part of the device's memory that the model, activations and pool take together,
 *     where no bytes are given
 */
public record DeviceChoice(String kind, int ordinal, long poolBytes, double share) {

  /** The CPU. */
  public static final DeviceChoice CPU = new DeviceChoice("cpu", 0, 0, 0);

  public DeviceChoice {
    if (!kind.equals("cpu") && !kind.equals("gpu")) {
      throw new IllegalArgumentException("device is \"" + kind + "\"; allowed are gpu and cpu");
    }
  }

  /** A GPU. */
  public static DeviceChoice gpu(int ordinal, long poolBytes, double share) {
    return new DeviceChoice("gpu", ordinal, poolBytes, share);
  }

  public boolean isGpu() {
    return kind.equals("gpu");
  }
}
