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
/**
 * The only users of JCuda, cuBLAS and NVRTC: devices, memory, streams, events, graphs, modules,
 * matrix products and errors.
 *
 * <p>Entry classes: {@link org.tilekv.cuda.Cuda} says whether CUDA is usable here, {@link
 * org.tilekv.cuda.CudaDevice} opens a device and makes everything else, {@link
 * org.tilekv.cuda.Kernels} loads TileKV's own kernels. Device and host addresses are plain {@code
 * long}s; no type of a native binding leaves the package. The driver API comes through JCuda; calls
 * on hot paths and cuBLAS go through JNA, which takes raw addresses. A thread calls {@link
 * org.tilekv.cuda.CudaDevice#makeCurrent} once before it uses a device.
 *
 * <p>May use the root package.
 */
@NullMarked
package org.tilekv.cuda;

import org.jspecify.annotations.NullMarked;
