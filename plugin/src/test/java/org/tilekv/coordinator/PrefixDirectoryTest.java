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

import org.junit.jupiter.api.Test;

class PrefixDirectoryTest {

  private final PrefixDirectory directory = new PrefixDirectory(4);

  @Test
  void holdersAreThoseThatPublishedAndDidNotDrop() {
    int a = directory.newTicket("a");
    int b = directory.newTicket("b");
    directory.publish(a, TileNames.of(1, 2));
    directory.publish(b, TileNames.of(2));
    directory.publish(b, TileNames.of(2));
    assertThat(directory.holders(1)).containsExactly("a");
    assertThat(directory.holders(2)).containsExactly("a", "b");
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
    int after = directory.newTicket("a");
    directory.publish(after, TileNames.of(2));
    assertThat(directory.holders(1)).isEmpty();
    assertThat(directory.holders(2)).containsExactly("a");
  }

  @Test
  void memoryIsBoundedAndTheOldestGoes() {
    int a = directory.newTicket("a");
    directory.publish(a, TileNames.of(1, 2, 3, 4));
    directory.publish(a, TileNames.of(1));
    directory.publish(a, TileNames.of(5));
    assertThat(directory.size()).isEqualTo(4);
    assertThat(directory.holders(2)).isEmpty();
    assertThat(directory.holders(1)).containsExactly("a");
  }
}
