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

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Names of tiles against digests that Python's hashlib computed over the documented message. */
class ChainHashTest {

  private static final Namespace NAMESPACE =
      Namespace.builder().field("model", "llama").field("layers", 12).build();
  private static final int[] TOKENS = {9, 1, 2, 3, Integer.MAX_VALUE, -1, 0, 32000, 7};

  @Test
  void aRootIsTheDigestOfNamespaceAndSalt() {
    assertThat(ChainHash.root(NAMESPACE, null))
        .hasToString("c353a6b20f993f195387ff71fb7f414d5dcb9a60512b32642db6595d284e240f");
    assertThat(ChainHash.root(NAMESPACE, "tenant \u00e4"))
        .hasToString("f6c3c3d01e081fe4e128386c7dd3e2f2587927333ff5265f6d8f4f06047500f4");
  }

  @Test
  void aTileIsTheDigestOfItsParentAndItsTokens() {
    ChainHash first = ChainHash.root(NAMESPACE, null).child(TOKENS, 1, 4);
    ChainHash second = first.child(TOKENS, 5, 4);
    assertThat(first)
        .hasToString("45553d3227180bf7b04d796448270c7e0054b10329c768da32a0e7f3b5696170");
    assertThat(second)
        .hasToString("d17b7a75f49d5474f2ee3e7da67cda60eb6d7cd1bb4500010054c11af1ab899c");
    assertThat(second.shortName()).isEqualTo(0xd17b7a75f49d5474L);
  }

  @Test
  void equalTokensAfterEqualTokensHaveEqualNames() {
    ChainHash one = ChainHash.root(NAMESPACE, "s").child(TOKENS, 1, 2).child(TOKENS, 3, 2);
    ChainHash other = ChainHash.root(NAMESPACE, "s").child(TOKENS, 1, 2).child(TOKENS, 3, 2);
    assertThat(one).isEqualTo(other).hasSameHashCodeAs(other).isNotSameAs(other);
    assertThat(one).isNotEqualTo("a text");
  }

  @Test
  void fieldsThatMoveOverABorderDoNotCollide() {
    ChainHash root = ChainHash.root(NAMESPACE, null);
    Set<ChainHash> names = new HashSet<>();
    names.add(root);
    names.add(ChainHash.root(NAMESPACE, ""));
    names.add(ChainHash.root(NAMESPACE, "0"));
    names.add(ChainHash.root(NAMESPACE, "null"));
    names.add(ChainHash.root(Namespace.builder().build(), null));
    // The same tokens as one tile, as two, and with the border elsewhere.
    names.add(root.child(TOKENS, 1, 4));
    names.add(root.child(TOKENS, 1, 2).child(TOKENS, 3, 2));
    names.add(root.child(TOKENS, 1, 1).child(TOKENS, 2, 3));
    names.add(root.child(TOKENS, 1, 3).child(TOKENS, 4, 1));
    names.add(root.child(new int[] {1, 2, 3, 0}, 0, 4));
    names.add(root.child(new int[] {0, 1, 2, 3}, 0, 4));
    names.add(root.child(TOKENS, 0, 0));
    assertThat(names).hasSize(12);
  }

  @Test
  void saltsThatAreNotValidTextStayApart() {
    List<String> salts = List.of("?", "\ud800", "\ud801", "\udc00", "\ufffd");
    assertThat(salts.stream().map(salt -> ChainHash.root(NAMESPACE, salt)).distinct())
        .hasSize(salts.size());
  }

  @Test
  void differentChainsNeverShareAName() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    ChainHash root = ChainHash.root(NAMESPACE, null);
    Map<ChainHash, List<Integer>> seen = new HashMap<>();
    for (int i = 0; i < 50_000; i++) {
      int[] tokens = random.ints(1 + random.nextInt(6), 0, 3).toArray();
      List<Integer> path = IntStream.of(tokens).boxed().toList();
      List<Integer> before = seen.put(root.child(tokens, 0, tokens.length), path);
      assertThat(before == null ? path : before).as("seed %d", seed).isEqualTo(path);
    }
    assertThat(seen).hasSizeGreaterThan(900);
  }

  @Test
  void threadsComputeTheSameNames() throws Exception {
    ChainHash expected = chain();
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<ChainHash>> running =
          IntStream.range(0, 4).mapToObj(i -> pool.submit(ChainHashTest::chain)).toList();
      for (Future<ChainHash> name : running) {
        assertThat(name.get()).isEqualTo(expected);
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private static ChainHash chain() {
    ChainHash name = ChainHash.root(NAMESPACE, "salt");
    for (int i = 0; i < 5_000; i++) {
      name = name.child(TOKENS, i % 5, 4);
    }
    return name;
  }
}
