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
package org.tilekv.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;

/**
 * A sequence with what it should hold: the tokens of each beam, and their K and V in real tiles.
 */
final class TrackedSequence {

  final KvSequence sequence;
  final SequenceRequest request;
  private final TilePatterns patterns;
  private List<int[]> beams;

  /** Starts with the prompt's tokens that the cache had, and looks at their K and V. */
  TrackedSequence(KvSequence sequence, SequenceRequest request, TilePatterns patterns) {
    this.sequence = sequence;
    this.request = request;
    this.patterns = patterns;
    beams = List.of(Arrays.copyOf(request.prompt(), sequence.cachedTokens()));
    verify("opened");
  }

  int beams() {
    return beams.size();
  }

  int length() {
    return beams.get(0).length;
  }

  /** Tokens of a beam so far. */
  int[] tokens(int beam) {
    return beams.get(beam);
  }

  /** Writes and commits the same number of tokens in each beam; they have been reserved. */
  void write(int[][] next) {
    List<int[]> longer = new ArrayList<>();
    for (int beam = 0; beam < next.length; beam++) {
      longer.add(writeBeam(beam, next[beam]));
    }
    for (int beam = 0; beam < next.length; beam++) {
      // Some tokens in front, to see that the range is respected.
      int[] tokens = new int[next[beam].length + 2];
      System.arraycopy(next[beam], 0, tokens, 1, next[beam].length);
      sequence.commit(beam, tokens, 1, next[beam].length);
    }
    beams = longer;
  }

  private int[] writeBeam(int beam, int[] next) {
    int length = length();
    int[] tokens = Arrays.copyOf(beams.get(beam), length + next.length);
    System.arraycopy(next, 0, tokens, length, next.length);
    long path = TilePatterns.root(request.salt());
    for (int position = 0; position < tokens.length; position++) {
      path = TilePatterns.next(path, tokens[position]);
      if (position >= length) {
        patterns.write(sequence.row(beam), position, path);
      }
    }
    return tokens;
  }

  /** Follows a fork of the sequence. */
  void forked(int count) {
    List<int[]> forks = new ArrayList<>(beams);
    while (forks.size() < count) {
      forks.add(beams.get(0));
    }
    beams = forks;
  }

  /** Follows a reorder of the sequence. */
  void reordered(int[] parents) {
    beams = Arrays.stream(parents).mapToObj(beams::get).toList();
  }

  /** Reads all K and V of all beams. */
  void verify(String where) {
    assertThat(sequence.beams()).as(where).isEqualTo(beams.size());
    assertThat(sequence.length()).as(where).isEqualTo(length());
    for (int beam = 0; beam < beams.size(); beam++) {
      int row = sequence.row(beam);
      long path = TilePatterns.root(request.salt());
      for (int position = 0; position < length(); position++) {
        path = TilePatterns.next(path, beams.get(beam)[position]);
        patterns.verify(row, position, path, where);
      }
    }
  }
}
