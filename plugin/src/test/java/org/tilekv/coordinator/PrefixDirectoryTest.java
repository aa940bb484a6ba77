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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PrefixDirectoryTest {

  private static final int NAMES = 100;

  private final PrefixDirectory directory = new PrefixDirectory(8);

  @Test
  void holdersAreThoseThatPublishedAndDidNotDrop() {
    int a = directory.newTicket("a");
    int b = directory.newTicket("b");
    directory.publish(a, TileNames.of(1, 2));
    directory.publish(b, TileNames.of(2));
    directory.publish(b, TileNames.of(2));
    assertThat(directory.holders(1)).containsExactly("a");
    assertThat(directory.holders(2)).containsExactly("a", "b");
    directory.publish(a, TileNames.of(2));
    assertThat(directory.holders(2)).as("latest last").containsExactly("b", "a");
    directory.drop(a, TileNames.of(1, 2, 99));
    assertThat(directory.holders(1)).isEmpty();
    assertThat(directory.holders(2)).containsExactly("b");
    assertThat(directory.size()).isEqualTo(1);
  }

  @Test
  void retiredTicketForgetsAllAtOnce() {
    int before = directory.newTicket("a");
    directory.publish(before, TileNames.of(1, 2));
    directory.retire(before);
    assertThat(directory.size()).isZero();
    int after = directory.newTicket("a");
    assertThat(after).as("entries of the old number are left").isNotEqualTo(before);
    directory.publish(after, TileNames.of(2));
    assertThat(directory.holders(1)).isEmpty();
    assertThat(directory.holders(2)).containsExactly("a");
    directory.publish(after, TileNames.of(1));
    assertThat(directory.newTicket("b")).as("the old number is free").isEqualTo(before);
  }

  @Test
  void memoryIsBoundedAndTheOldestGoesUnlessPublishedAgain() {
    int a = directory.newTicket("a");
    directory.publish(a, TileNames.of(1, 2, 3, 4, 5, 6, 7, 8));
    directory.publish(a, TileNames.of(1));
    directory.publish(a, TileNames.of(9));
    assertThat(directory.size()).isEqualTo(8);
    assertThat(directory.holders(2)).isEmpty();
    assertThat(directory.holders(1)).containsExactly("a");
    assertThat(directory.holders(9)).containsExactly("a");
  }

  @Test
  void holdersOfOneTileAreBounded() {
    PrefixDirectory large = new PrefixDirectory(1 << 12);
    List<String> latest = new ArrayList<>();
    for (int i = 0; i < 3 * PrefixDirectory.MAX_HOLDERS; i++) {
      large.publish(large.newTicket("e" + i), TileNames.of(7));
      if (i >= 2 * PrefixDirectory.MAX_HOLDERS) {
        latest.add("e" + i);
      }
    }
    assertThat(large.holders(7)).isEqualTo(latest);
    assertThat(large.size()).isEqualTo(PrefixDirectory.MAX_HOLDERS);
  }

  @Test
  void leadingTilesAreCountedUpToTheFirstThatIsMissing() {
    int a = directory.newTicket("a");
    int b = directory.newTicket("b");
    directory.publish(a, TileNames.of(1, 2, 4));
    directory.publish(b, TileNames.of(1, 3));
    WorkItem item = new WorkItem(new long[] {1, 2, 3, 4}, 16, 100);
    assertThat(directory.leadingTiles(item)).isEqualTo(Map.of("a", 2, "b", 1));
    assertThat(directory.leadingTiles(new WorkItem(new long[] {2}, 16, 1)))
        .isEqualTo(Map.of("a", 1));
    assertThat(directory.leadingTiles(new WorkItem(new long[0], 16, 1))).isEmpty();
  }

  @Test
  void anyHistoryAgreesWithSets() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    // The ring goes round several times, but is never full of tiles that are held: then it forgets.
    PrefixDirectory small = new PrefixDirectory(1 << 13);
    Map<Integer, Set<Long>> model = new HashMap<>();
    for (int step = 0; step < 30_000; step++) {
      if (model.size() < 3 || random.nextInt(500) == 0) {
        model.put(small.newTicket("t"), new LinkedHashSet<>());
      }
      int ticket = List.copyOf(model.keySet()).get(random.nextInt(model.size()));
      long name = random.nextInt(NAMES);
      switch (random.nextInt(1000)) {
        case 0 -> {
          small.retire(ticket);
          model.remove(ticket);
        }
        case 1, 2, 3, 4, 5, 6, 7, 8, 9 -> {
          int expected = (int) model.values().stream().filter(s -> s.contains(name)).count();
          assertThat(small.holders(name)).as("seed %d, step %d", seed, step).hasSize(expected);
        }
        default -> change(small, model, ticket, name, random.nextBoolean());
      }
      int size = model.values().stream().mapToInt(Set::size).sum();
      assertThat(small.size()).as("seed %d, step %d", seed, step).isEqualTo(size);
    }
  }

  private static void change(
      PrefixDirectory directory,
      Map<Integer, Set<Long>> model,
      int ticket,
      long name,
      boolean publish) {
    Set<Long> held = model.getOrDefault(ticket, Set.of());
    if (publish) {
      directory.publish(ticket, TileNames.of(name));
      held.add(name);
    } else {
      directory.drop(ticket, TileNames.of(name));
      held.remove(name);
    }
  }
}
