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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tilekv.coordinator.Locate;
import org.tilekv.coordinator.Located;
import org.tilekv.coordinator.Messages;
import org.tilekv.coordinator.Peer;
import org.tilekv.coordinator.TileNames;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;

class TileLocatorTest {

  private static final Peer HOLDER = new Peer("1", "host", 7);

  private final List<Integer> questions = new ArrayList<>();
  private final List<Runnable> tasks = new ArrayList<>();
  private long nowNs;
  private int others = 3;
  private final TileLocator locator = new TileLocator("2", this::answer, tasks::add, () -> nowNs);

  /** Odd names are held. */
  private byte[] answer(byte[] message) {
    Locate locate = (Locate) Messages.decode(message);
    questions.add(locate.names().size());
    List<Integer> holders = new ArrayList<>();
    for (int i = 0; i < locate.names().size(); i++) {
      holders.add((locate.names().get(i) & 1) == 1 ? 0 : Located.NOBODY);
    }
    return Messages.encode(new Located(others, List.of(HOLDER), holders));
  }

  private static List<ChainHash> names(Random random, int count) {
    return PeerFixtures.tiles(PeerFixtures.request(random, count, null)).stream()
        .map(NamedTile::name)
        .toList();
  }

  @Test
  void whatWaitsIsAskedForTogetherAndEachGetsItsOwn() {
    Random random = new Random(1);
    List<List<ChainHash>> asked = new ArrayList<>();
    List<List<Peer>> answers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      List<ChainHash> names = names(random, 1 + random.nextInt(9));
      asked.add(names);
      locator.locate(names, answers::add);
    }
    assertThat(tasks).hasSize(1);
    tasks.remove(0).run();
    assertThat(questions).hasSize(1);
    assertThat(locator.others()).isEqualTo(3);
    for (int i = 0; i < asked.size(); i++) {
      List<Peer> expected = new ArrayList<>();
      for (ChainHash name : asked.get(i)) {
        expected.add((name.shortName() & 1) == 1 ? HOLDER : null);
      }
      assertThat(answers.get(i)).isEqualTo(expected);
    }
    locator.locate(names(random, 2), answers::add);
    assertThat(tasks).hasSize(1);
  }

  @Test
  void thatThereIsNobodyIsForgotten() {
    Random random = new Random(4);
    others = 0;
    locator.locate(names(random, 1), answer -> {});
    tasks.remove(0).run();
    nowNs += TileLocator.ALONE_NS;
    assertThat(locator.others()).isZero();
    nowNs++;
    assertThat(locator.others()).as("the driver is to be asked again").isEqualTo(1);
    others = 2;
    locator.locate(names(random, 1), answer -> {});
    tasks.remove(0).run();
    nowNs += 2 * TileLocator.ALONE_NS;
    assertThat(locator.others()).isEqualTo(2);
  }

  @Test
  void aMessageHoldsNoMoreThanItMay() {
    List<ChainHash> many =
        Collections.nCopies(TileNames.MAX / 2 + 1, names(new Random(2), 1).get(0));
    List<List<Peer>> answers = new ArrayList<>();
    locator.locate(many, answers::add);
    locator.locate(many, answers::add);
    tasks.remove(0).run();
    assertThat(questions).containsExactly(many.size(), many.size());
    assertThat(answers).hasSize(2);
    locator.locate(Collections.nCopies(TileNames.MAX + 1, many.get(0)), answers::add);
    assertThat(answers.get(2)).containsOnlyNulls();
  }

  @Test
  void whoeverFailsDoesNotKeepTheOthersWaiting() {
    List<ChainHash> one = names(new Random(5), 1);
    List<List<Peer>> answers = new ArrayList<>();
    locator.locate(
        one,
        answer -> {
          throw new AssertionError("not taken");
        });
    locator.locate(one, answers::add);
    tasks.remove(0).run();
    assertThat(answers).hasSize(1);
    locator.locate(one, answers::add);
    assertThat(tasks).as("asked again").hasSize(1);
    tasks.remove(0).run();
    assertThat(answers).hasSize(2);
  }

  @Test
  void anErrorOfTheQuestionIsAnsweredWithNobody() {
    List<List<Peer>> answers = new ArrayList<>();
    TileLocator broken =
        new TileLocator(
            "2",
            message -> {
              throw new AssertionError("no memory");
            },
            tasks::add,
            () -> nowNs);
    List<ChainHash> one = names(new Random(6), 1);
    broken.locate(one, answers::add);
    assertThatThrownBy(() -> tasks.remove(0).run()).hasMessage("no memory");
    assertThat(answers).hasSize(1);
    assertThat(answers.get(0)).containsOnlyNulls();
    broken.locate(one, answers::add);
    assertThat(tasks).as("asked again").hasSize(1);
  }

  @Test
  void tooManyQuestionsAreAnsweredAtOnce() {
    List<ChainHash> one = names(new Random(3), 1);
    List<List<Peer>> answers = new ArrayList<>();
    for (int i = 0; i < TileLocator.MAX_WAITING + 5; i++) {
      locator.locate(one, answers::add);
    }
    assertThat(answers).hasSize(5);
  }
}
