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
package org.tilekv.coordinator;

/**
 * Consecutive KV heads.
 *
 * @param first first head
 * @param count heads, at least 1
 */
public record HeadRange(int first, int count) {

  /**
   * Range {@code index} of {@code headShards} that together cover all heads and differ by at most
   * one in size.
   */
  public static HeadRange of(int kvHeads, int headShards, int index) {
    if (headShards < 1 || headShards > kvHeads) {
      throw new IllegalArgumentException(
          "headShards is "
              + headShards
              + "; allowed are 1 to the model's "
              + kvHeads
              + " KV heads");
    }
    if (index < 0 || index >= headShards) {
      throw new IllegalArgumentException(
          "head range " + index + "; allowed are 0 to " + (headShards - 1));
    }
    int first = bound(kvHeads, headShards, index);
    return new HeadRange(first, bound(kvHeads, headShards, index + 1) - first);
  }

  private static int bound(int kvHeads, int headShards, int index) {
    return (int) ((long) kvHeads * index / headShards);
  }
}
