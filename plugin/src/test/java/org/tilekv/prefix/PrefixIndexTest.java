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
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tilekv.MissReason;

/** Finding named groups by name and by tokens. */
class PrefixIndexTest {

  private static final int TILE = 3;
  private static final Namespace NAMESPACE = Namespace.builder().build();
  private static final TileName ROOT = TileName.root(NAMESPACE, null);
  private static final TileName SALTED = TileName.root(NAMESPACE, "salt");

  private final PrefixIndex index = new PrefixIndex(4);
  private int pages;

  @AfterEach
  void isConsistent() {
    index.checkIntegrity();
  }

  @Test
  void aGroupIsFoundByItsNameAndItsTokens() {
    TileGroup group = publish(ROOT, null, 1, 2, 3);
    TileName name = ROOT.child(tokens(1, 2, 3), 0, TILE);
    assertThat(index.find(name, tokens(7, 1, 2, 3, 7), 1, TILE)).isSameAs(group);
    assertThat(index.find(ROOT.child(tokens(1, 2, 4), 0, TILE), tokens(1, 2, 4), 0, TILE)).isNull();
    assertThat(group.name()).isEqualTo(name);
    assertThat(index.size()).isEqualTo(1);
  }

  @Test
  void aNameWithOtherTokensIsNoHit() {
    publish(ROOT, null, 1, 2, 3);
    TileName name = ROOT.child(tokens(1, 2, 3), 0, TILE);
    assertThat(index.find(name, tokens(1, 2, 4), 0, TILE)).isNull();
    assertThat(index.find(name, tokens(0, 2, 3), 0, TILE)).isNull();
  }

  @Test
  void theNextGroupIsTheChildWithExactlyTheseTokens() {
    TileGroup first = publish(ROOT, null, 1, 2, 3);
    TileGroup second = publish(ROOT, first, 4, 5, 6);
    publish(ROOT, first, 4, 5, 7);
    assertThat(index.next(index.root(ROOT), tokens(1, 2, 3), 0, TILE)).isSameAs(first);
    assertThat(index.next(first, tokens(0, 4, 5, 6), 1, TILE)).isSameAs(second);
    assertThat(index.next(first, tokens(4, 5, 8), 0, TILE)).isNull();
    assertThat(index.next(second, tokens(4, 5, 6), 0, TILE)).isNull();
    assertThat(index.next(null, tokens(4, 5, 6), 0, TILE)).isNull();
  }

  @Test
  void thePartialMatchIsTheChildThatAgreesLongest() {
    TileGroup low = publish(ROOT, null, 1, 2, 3);
    TileGroup middle = publish(ROOT, null, 1, 5, 1);
    TileGroup high = publish(ROOT, null, 1, 5, 9);
    assertThat(partial(1, 5, 9, 4)).isEqualTo(new PartialMatch(high, 3));
    assertThat(partial(1, 5, 4)).isEqualTo(new PartialMatch(middle, 2));
    assertThat(partial(1, 5)).isEqualTo(new PartialMatch(middle, 2));
    assertThat(partial(1, 2)).isEqualTo(new PartialMatch(low, 2));
    assertThat(partial(1, 9, 9)).isEqualTo(new PartialMatch(high, 1));
    assertThat(partial(-1)).isNull();
    assertThat(partial()).isNull();
    assertThat(index.partial(null, tokens(1), 0, 1)).isNull();
  }

  @Test
  void saltsAndParentsKeepEqualTokensApart() {
    TileGroup plain = publish(ROOT, null, 1, 2, 3);
    TileGroup salted = publish(SALTED, null, 1, 2, 3);
    TileGroup deeper = publish(ROOT, plain, 1, 2, 3);
    assertThat(index.size()).isEqualTo(3);
    assertThat(index.next(index.root(ROOT), tokens(1, 2, 3), 0, TILE)).isSameAs(plain);
    assertThat(index.next(index.root(SALTED), tokens(1, 2, 3), 0, TILE)).isSameAs(salted);
    assertThat(index.next(plain, tokens(1, 2, 3), 0, TILE)).isSameAs(deeper);
    assertThat(index.root(TileName.root(NAMESPACE, "other"))).isNull();
  }

  @Test
  void aDroppedGroupIsGoneAndItsRootWithTheLastOne() {
    TileGroup first = publish(SALTED, null, 1, 2, 3);
    TileGroup other = publish(SALTED, null, 4, 5, 6);
    index.drop(first);
    assertThat(first.named()).isFalse();
    assertThat(first.tokens()).isEmpty();
    assertThat(index.next(index.root(SALTED), tokens(1, 2, 3), 0, TILE)).isNull();
    assertThat(index.root(SALTED)).isNotNull();
    index.drop(other);
    assertThat(index.root(SALTED)).isNull();
    assertThat(index.size()).isZero();
    publish(SALTED, null, 1, 2, 3);
    assertThat(index.root(SALTED)).isNotNull();
  }

  @Test
  void aGroupThatOthersContinueOrThatHasNoNameIsNotDropped() {
    TileGroup first = publish(ROOT, null, 1, 2, 3);
    TileGroup second = publish(ROOT, first, 4, 5, 6);
    assertThatThrownBy(() -> index.drop(first)).isInstanceOf(IllegalStateException.class);
    index.drop(second);
    index.drop(first);
    assertThatThrownBy(() -> index.drop(first)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aNameIsPublishedOnce() {
    TileGroup first = publish(ROOT, null, 1, 2, 3);
    assertThatThrownBy(() -> publish(ROOT, null, 1, 2, 3))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("published twice");
    assertThat(index.next(index.root(ROOT), tokens(1, 2, 3), 0, TILE)).isSameAs(first);
  }

  @Test
  void tilesOfTokensNearZeroAreToldApart() {
    publish(ROOT, null, 1, 0, 0);
    TileName next = ROOT.child(tokens(1, 0, 0), 0, TILE).child(tokens(0, 0, 0), 0, TILE);
    assertThat(index.missReason(next)).isEqualTo(MissReason.NEVER_SEEN);
  }

  @Test
  void aMissHasAReason() {
    TileGroup group = publish(ROOT, null, 1, 2, 3);
    assertThat(reason(ROOT, 9, 9, 9)).isEqualTo(MissReason.NEVER_SEEN);
    assertThat(reason(SALTED, 1, 2, 3)).isEqualTo(MissReason.OTHER_NAMESPACE);
    assertThat(reason(SALTED, 1, 2, 4)).isEqualTo(MissReason.NEVER_SEEN);
    index.drop(group);
    assertThat(reason(ROOT, 1, 2, 3)).isEqualTo(MissReason.EVICTED);
    assertThat(reason(SALTED, 1, 2, 3)).isEqualTo(MissReason.OTHER_NAMESPACE);
    publish(ROOT, null, 1, 2, 3);
    publish(SALTED, null, 1, 2, 3);
    assertThat(reason(TileName.root(NAMESPACE, "x"), 1, 2, 3))
        .isEqualTo(MissReason.OTHER_NAMESPACE);
  }

  @Test
  void aTilePublishedSinceItWasMissedWasNotOfAnotherNamespace() {
    publish(ROOT, null, 1, 2, 3);
    assertThat(reason(ROOT, 1, 2, 3)).isEqualTo(MissReason.NEVER_SEEN);
  }

  @Test
  void onlySoManyEvictedNamesAreRemembered() {
    List<TileGroup> groups = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      groups.add(publish(ROOT, null, i, i, i));
    }
    // The fifth is dropped first, and its name forgotten after four more; its content is not.
    index.drop(groups.get(4));
    for (int i = 0; i < 4; i++) {
      index.drop(groups.get(i));
    }
    assertThat(reason(ROOT, 4, 4, 4)).isEqualTo(MissReason.NEVER_SEEN);
    assertThat(reason(ROOT, 3, 3, 3)).isEqualTo(MissReason.EVICTED);
  }

  @Test
  void everyNamedGroupIsVisited() {
    TileGroup first = publish(ROOT, null, 1, 2, 3);
    TileGroup second = publish(SALTED, null, 1, 2, 3);
    List<TileGroup> seen = new ArrayList<>();
    index.forEach(seen::add);
    assertThat(seen).containsExactlyInAnyOrder(first, second);
  }

  private MissReason reason(TileName root, int... tokens) {
    return index.missReason(root.child(tokens, 0, tokens.length));
  }

  private @Nullable PartialMatch partial(int... tokens) {
    return index.partial(index.root(ROOT), tokens, 0, tokens.length);
  }

  private TileGroup publish(TileName root, @Nullable TileGroup parent, int... tokens) {
    TileGroup group = new TileGroup(new int[] {pages++});
    TileName parentName = parent == null ? root : parent.name();
    if (parentName == null) {
      throw new AssertionError("the parent has no name");
    }
    index.publish(group, parentName.child(tokens, 0, TILE), root, parent, tokens);
    return group;
  }

  private static int[] tokens(int... tokens) {
    return tokens;
  }
}
