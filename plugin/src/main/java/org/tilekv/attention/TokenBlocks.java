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

import java.util.Arrays;

/**
 * A step's tokens cut into blocks of consecutive positions of one segment, the unit that threads
 * share out. Reused from step to step.
 */
final class TokenBlocks {

  private int size;
  private int[] segments = new int[16];
  private int[] firsts = new int[16];
  private int[] counts = new int[16];

  /** Cuts every segment into blocks of at most {@code blockTokens}. */
  void cut(Segments step, int blockTokens) {
    cut(step, blockTokens, 1);
  }

  /** Cuts every segment of {@code leastTokens} or more into blocks; shorter ones are left out. */
  void cut(Segments step, int blockTokens, int leastTokens) {
    size = 0;
    for (int segment = 0; segment < step.size(); segment++) {
      int count = step.count(segment) < leastTokens ? 0 : step.count(segment);
      for (int first = 0; first < count; first += blockTokens) {
        add(segment, first, Math.min(blockTokens, count - first));
      }
    }
  }

  private void add(int segment, int first, int count) {
    if (size == segments.length) {
      int length = 2 * size;
      segments = Arrays.copyOf(segments, length);
      firsts = Arrays.copyOf(firsts, length);
      counts = Arrays.copyOf(counts, length);
    }
    segments[size] = segment;
    firsts[size] = first;
    counts[size] = count;
    size++;
  }

  int size() {
    return size;
  }

  int segment(int block) {
    return segments[block];
  }

  /** Index of the block's first token inside its segment. */
  int first(int block) {
    return firsts[block];
  }

  int count(int block) {
    return counts[block];
  }
}
