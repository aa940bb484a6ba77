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
package org.tilekv.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Reference counts, and children in token order. */
class TileGroupTest {

  private static final TileName ROOT = TileName.root(Namespace.builder().build(), null);

  @Test
  void theFirstAndTheLastReferenceAreTold() {
    TileGroup group = new TileGroup(new int[] {4, 5});
    assertThat(group.retain()).isTrue();
    assertThat(group.retain()).isFalse();
    assertThat(group.references()).isEqualTo(2);
    assertThat(group.release()).isFalse();
    assertThat(group.release()).isTrue();
    assertThatThrownBy(group::release)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("once too often");
    assertThat(group.references()).isZero();
    assertThat(group.pages()).containsExactly(4, 5);
  }

  @Test
  void theClosestChildAgreesAsLongAsAnyOther() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      TileGroup parent = new TileGroup(new int[0]);
      List<TileGroup> children = new ArrayList<>();
      int count = random.nextInt(12);
      for (int i = 0; i < count; i++) {
        int[] tokens = random.ints(4, -1, 2).toArray();
        TileGroup same = parent.closestChild(tokens);
        if (same == null || !Arrays.equals(same.tokens(), tokens)) {
          TileGroup child = new TileGroup(new int[0]);
          child.attach(ROOT.child(tokens, 0, 4), parent, ROOT.chain(), tokens);
          children.add(child);
        }
      }
      assertThat(parent.hasChildren()).isEqualTo(!children.isEmpty());
      for (int query = 0; query < 20; query++) {
        int[] key = random.ints(1 + random.nextInt(4), -1, 2).toArray();
        assertThat(longest(parent, key)).as("seed %d", seed).isEqualTo(longest(children, key));
      }
    }
  }

  private static int longest(TileGroup parent, int[] key) {
    TileGroup child = parent.closestChild(key);
    return child == null ? -1 : TileGroup.commonPrefix(child.tokens(), key);
  }

  private static int longest(List<TileGroup> children, int[] key) {
    int longest = -1;
    for (TileGroup child : children) {
      int common = 0;
      while (common < key.length && child.tokens()[common] == key[common]) {
        common++;
      }
      longest = Math.max(longest, common);
    }
    return longest;
  }
}
