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
 * The driver's call for many copies at once, newer than JCuda; in a class of its own as drivers
 * before 12.8 lack it.
 */
final class BatchCopyCalls {
  /** Whether this driver has the call. */
  static final boolean AVAILABLE = available();

  private BatchCopyCalls() {}

  private static boolean available() {
    NativeLibrary driver =
        NativeLibrary.getInstance(
            DriverCalls.LIBRARY,
            Map.of(Library.OPTION_CLASSLOADER, BatchCopyCalls.class.getClassLoader()));
    try {
      driver.getFunction("cuMemcpyBatchAsync");
    } catch (UnsatisfiedLinkError e) {
      return false;
    }
    Native.register(BatchCopyCalls.class, driver);
    return true;
  }

  /**
   * All pointers are addresses in host memory; {@code to}, {@code from} and {@code bytes} lead to
   * {@code count} words each.
   */
  static native int cuMemcpyBatchAsync(
      long to,
      long from,
      long bytes,
      long count,
      long attributes,
      long attributeIndexes,
      long attributeCount,
      long failedIndex,
      long stream);
}
