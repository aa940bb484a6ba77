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
package org.tilekv.attention;

/**
 * Pulls memory into the caches by reading one element per cache line, front to back. The kernels
 * walk a tile in several strides at once, which the hardware does not prefetch; a plain sweep ahead
 * of them runs close to the memory's read rate.
 */
final class CacheWarmer {

  private static final int LINE_BYTES = 64;
  private static final int LINE_FLOATS = LINE_BYTES / Float.BYTES;
  private static final int LINE_SHORTS = LINE_BYTES / Short.BYTES;

  // Written so that the reads cannot be left out.
  private float floatsRead;
  private int shortsRead;

  void sweep(float[] array, int index, int count) {
    float a = 0;
    float b = 0;
    int end = index + count;
    for (int i = index; i < end - LINE_FLOATS; i += 2 * LINE_FLOATS) {
      a += array[i];
      b += array[i + LINE_FLOATS];
    }
    floatsRead = a + b + array[end - 1];
  }

  void sweep(short[] array, int index, int count) {
    int a = 0;
    int b = 0;
    int end = index + count;
    for (int i = index; i < end - LINE_SHORTS; i += 2 * LINE_SHORTS) {
      a += array[i];
      b += array[i + LINE_SHORTS];
    }
    shortsRead = a + b + array[end - 1];
  }

  @Override
  public String toString() {
    return "CacheWarmer[" + floatsRead + ", " + shortsRead + "]";
  }
}
