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
 * The driver's encoding of tensor maps, newer than JCuda; in a class of its own as drivers before
 * 12.0 lack it.
 */
final class TensorMapCalls {
  static final int INTERLEAVE_NONE = 0;
  static final int SWIZZLE_128B = 3;
  static final int L2_PROMOTION_256B = 3;
  static final int FILL_NONE = 0;

  static {
    Native.register(
        TensorMapCalls.class,
        NativeLibrary.getInstance(
            DriverCalls.LIBRARY,
            Map.of(Library.OPTION_CLASSLOADER, TensorMapCalls.class.getClassLoader())));
  }

  private TensorMapCalls() {}

  static native int cuTensorMapEncodeTiled(
      long out,
      int dataType,
      int rank,
      long address,
      long sizes,
      long strides,
      long box,
      long elementStrides,
      int interleave,
      int swizzle,
      int l2Promotion,
      int fill);
}
