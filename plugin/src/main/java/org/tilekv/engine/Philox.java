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
 * Counter-based random numbers: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3" (SC 2011). A draw is a function of (key, counter) alone, so a row
 * that is tried again on another executor draws the same numbers, in any order.
 */
final class Philox {
  private static final int ROUNDS = 10;
  private static final long MULTIPLIER_0 = 0xD2511F53L;
  private static final long MULTIPLIER_1 = 0xCD9E8D57L;
  private static final int WEYL_0 = 0x9E3779B9;
  private static final int WEYL_1 = 0xBB67AE85;
  private static final double TWO_POW_MINUS_53 = 0x1p-53;

  private Philox() {}

  /** A number in [0, 1) with 53 random bits, drawn for one token of one row. */
  static double uniform(long seed, long rowKey, long position) {
    int[] block = {(int) position, (int) (position >>> 32), (int) rowKey, (int) (rowKey >>> 32)};
    encrypt(block, (int) seed, (int) (seed >>> 32));
    long bits = ((long) block[0] << 32) | (block[1] & 0xFFFFFFFFL);
    return (bits >>> 11) * TWO_POW_MINUS_53;
  }

  /** Replaces a counter of four words by four random words. */
  static void encrypt(int[] block, int key0, int key1) {
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = MULTIPLIER_0 * (block[0] & 0xFFFFFFFFL);
      long product1 = MULTIPLIER_1 * (block[2] & 0xFFFFFFFFL);
      block[0] = (int) (product1 >>> 32) ^ block[1] ^ key0;
      block[1] = (int) product1;
      block[2] = (int) (product0 >>> 32) ^ block[3] ^ key1;
      block[3] = (int) product0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
  }
}
