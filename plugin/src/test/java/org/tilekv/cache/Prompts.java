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

import java.util.Arrays;
import java.util.Random;
import org.tilekv.SequenceRequest;

/** Random prompts that often begin alike, under few salts and owners. */
final class Prompts {

  private static final int BASES = 6;
  private static final String[] SALTS = {null, null, "a", "b"};

  private final int[][] bases = new int[BASES][];
  private final int longest;

  /** Prompts of at most {@code longest} tokens. */
  Prompts(Random random, int longest) {
    this.longest = longest;
    bases[0] = random.ints(longest, 0, 3).toArray();
    for (int base = 1; base < BASES; base++) {
      bases[base] = bases[random.nextInt(base)].clone();
      for (int i = random.nextInt(longest); i < longest; i++) {
        bases[base][i] = random.nextInt(3);
      }
    }
  }

  SequenceRequest next(Random random, long owner) {
    int[] base = bases[random.nextInt(BASES)];
    int kept = 1 + random.nextInt(longest);
    int[] prompt = Arrays.copyOf(base, Math.min(longest, kept + random.nextInt(4)));
    for (int i = kept; i < prompt.length; i++) {
      prompt[i] = random.nextInt(3);
    }
    String salt = SALTS[random.nextInt(SALTS.length)];
    return new SequenceRequest(prompt, owner, salt, random.nextInt(10) > 0);
  }

  /** What beams go on with: the prompt first, then anything. */
  static int[][] continuations(Random random, TrackedSequence sequence, int count) {
    int[] prompt = sequence.request.prompt();
    int[][] next = new int[sequence.beams()][];
    for (int beam = 0; beam < next.length; beam++) {
      next[beam] = random.ints(count, 0, 3).toArray();
      for (int i = 0; i < count && sequence.length() + i < prompt.length; i++) {
        next[beam][i] = prompt[sequence.length() + i];
      }
    }
    return next;
  }

  /** Parents of a reorder, half of them the beams themselves. */
  static int[] parents(Random random, int beams) {
    int[] parents = new int[beams];
    for (int i = 0; i < beams; i++) {
      parents[i] = random.nextBoolean() ? i : random.nextInt(beams);
    }
    return parents;
  }
}
