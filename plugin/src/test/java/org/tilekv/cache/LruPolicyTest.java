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
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tilekv.prefix.Namespace;
import org.tilekv.prefix.PrefixIndex;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/** Order of eviction. */
class LruPolicyTest {

  private final LruPolicy policy = new LruPolicy();

  @Test
  void theGroupAddedFirstIsTheVictim() {
    TileGroup first = group();
    TileGroup second = group();
    policy.add(first);
    policy.add(second);
    assertThat(policy.victim()).isSameAs(first).isSameAs(policy.victim());
    policy.remove(first);
    policy.add(first);
    assertThat(policy.victim()).isSameAs(second);
    assertThat(policy.size()).isEqualTo(2);
  }

  @Test
  void aGroupThatOthersContinueIsNoVictim() {
    PrefixIndex index = new PrefixIndex(8);
    TileName root = TileName.root(Namespace.builder().build(), null);
    TileGroup parent = group();
    TileGroup child = group();
    TileName name = root.child(new int[] {1}, 0, 1);
    index.publish(parent, name, root, null, new int[] {1});
    index.publish(child, name.child(new int[] {2}, 0, 1), root, parent, new int[] {2});
    policy.add(parent);
    assertThat(policy.victim()).isNull();
    policy.add(child);
    assertThat(policy.victim()).isSameAs(child);
    policy.remove(child);
    index.drop(child);
    assertThat(policy.victim()).isSameAs(parent);
  }

  @Test
  void behavesLikeAList() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<TileGroup> model = new ArrayList<>();
    for (int call = 0; call < 10_000; call++) {
      if (model.isEmpty() || random.nextInt(9) < 5 - model.size() / 10) {
        TileGroup group = group();
        policy.add(group);
        model.add(group);
      } else {
        policy.remove(model.remove(random.nextInt(model.size())));
      }
      assertThat(policy.size()).isEqualTo(model.size());
      assertThat(policy.victim())
          .as("seed %d, call %d", seed, call)
          .isSameAs(model.isEmpty() ? null : model.get(0));
    }
  }

  private static TileGroup group() {
    return new TileGroup(new int[] {0});
  }
}
