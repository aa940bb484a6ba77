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
import org.tilekv.cuda.Cublas;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaDeviceInfo;

/** The GPUs of this process; a seam for tests. */
interface Gpus {

  /** Why none can be used, in one line, or null. */
  @Nullable String unavailableReason();

  /** What there is, by ordinal. */
  List<CudaDeviceInfo> devices();

  /** As {@link Cuda#ordinalOf}. */
  int ordinalOf(String address);

  /** Those of CUDA. */
  Gpus CUDA =
      new Gpus() {
        @Override
        public @Nullable String unavailableReason() {
          String reason = Cuda.unavailableReason();
          return reason == null ? Cublas.unavailableReason() : reason;
        }

        @Override
        public List<CudaDeviceInfo> devices() {
          return Cuda.devices();
        }

        @Override
        public int ordinalOf(String address) {
          return Cuda.ordinalOf(address);
        }
      };
}
