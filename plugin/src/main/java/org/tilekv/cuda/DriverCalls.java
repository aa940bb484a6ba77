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

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.util.Map;

/**
 * The driver calls of hot paths, bound to libcuda by JNA with raw addresses: no object per call,
 * where JCuda makes one per pointer. The result is a CUresult. Loading the class fails where there
 * is no driver; {@link Cuda} does that first.
 */
final class DriverCalls {
  static final String LIBRARY = "libcuda.so.1";

  static {
    Native.register(
        DriverCalls.class,
        NativeLibrary.getInstance(
            LIBRARY, Map.of(Library.OPTION_CLASSLOADER, DriverCalls.class.getClassLoader())));
  }

  private DriverCalls() {}

  static native int cuMemcpyHtoDAsync_v2(long device, long host, long bytes, long stream);

  static native int cuMemcpyDtoHAsync_v2(long host, long device, long bytes, long stream);

  static native int cuMemcpyDtoDAsync_v2(long to, long from, long bytes, long stream);

  static native int cuMemsetD8Async(long device, byte value, long bytes, long stream);

  static native int cuMemsetD32Async(long device, int value, long count, long stream);

  static native int cuLaunchKernel(
      long function,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int blockY,
      int blockZ,
      int sharedBytes,
      long stream,
      long arguments,
      long extra);

  static native int cuLaunchCooperativeKernel(
      long function,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int blockY,
      int blockZ,
      int sharedBytes,
      long stream,
      long arguments);
}
