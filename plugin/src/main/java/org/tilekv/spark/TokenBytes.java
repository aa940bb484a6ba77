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

import java.util.Arrays;

/** Token ids as bytes, seven bits at a time: two bytes for most ids of small vocabularies. */
final class TokenBytes {

  private static final int MORE = 0x80;
  private static final int MOST_BYTES = 5;

  private TokenBytes() {}

  static byte[] encode(int[] tokens) {
    byte[] bytes = new byte[3 * tokens.length + MOST_BYTES];
    int at = 0;
    for (int token : tokens) {
      if (bytes.length - at < MOST_BYTES) {
        bytes = Arrays.copyOf(bytes, 2 * bytes.length);
      }
      int rest = token;
      while ((rest & ~(MORE - 1)) != 0) {
        bytes[at++] = (byte) (rest | MORE);
        rest >>>= 7;
      }
      bytes[at++] = (byte) rest;
    }
    return Arrays.copyOf(bytes, at);
  }

  static int[] decode(byte[] bytes) {
    int count = 0;
    for (byte b : bytes) {
      count += b >= 0 ? 1 : 0;
    }
    int[] tokens = new int[count];
    int at = 0;
    for (int i = 0; i < count; i++) {
      int shift = 0;
      while (bytes[at] < 0) {
        tokens[i] |= (bytes[at++] & 0x7F) << shift;
        shift += 7;
      }
      tokens[i] |= bytes[at++] << shift;
    }
    return tokens;
  }
}
