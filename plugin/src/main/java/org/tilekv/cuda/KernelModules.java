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

import java.util.HashMap;
import java.util.Map;

/** The kernel modules that a device has loaded, each once. Used by one thread at a time. */
public final class KernelModules implements AutoCloseable {

  private final CudaDevice device;
  private final Map<String, CudaModule> loaded = new HashMap<>();

  public KernelModules(CudaDevice device) {
    this.device = device;
  }

  /** A function of a module, which is loaded as {@link Kernels#load} does. */
  public CudaFunction function(String module, String name) {
    return loaded.computeIfAbsent(module, m -> Kernels.load(device, m)).function(name);
  }

  @Override
  public void close() {
    loaded.values().forEach(CudaModule::close);
    loaded.clear();
  }
}
