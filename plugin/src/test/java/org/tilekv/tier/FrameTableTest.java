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
package org.tilekv.tier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** What happens to frames while someone copies. */
class FrameTableTest {
  private static final TileKey A = TileKey.of(1, 0);
  private static final TileKey B = TileKey.of(2, 0);
  private static final TileKey C = TileKey.of(3, 0);

  private final FrameTable table = new FrameTable(1, 1);

  @Test
  void anEvictedFrameIsNotReusedWhileItIsRead() {
    put(A);
    int reading = table.pin(A);
    put(B);
    assertThat(table.contains(A)).isFalse();
    // Both frames are in use: B's can be taken, the one that is read cannot.
    int writing = table.reserve();
    assertThat(writing).isNotEqualTo(reading);
    assertThat(table.contains(B)).as("evicted early: no spare frame was left").isFalse();
    assertThat(table.reserve()).isEqualTo(KeyIndex.NONE);
    table.unpin(reading);
    assertThat(table.reserve()).isEqualTo(reading);
  }

  @Test
  void anOverwrittenFrameIsFreeOnlyAfterItsLastReader() {
    put(A);
    int first = table.pin(A);
    table.pin(A);
    put(A);
    assertThat(table.pin(A)).isNotEqualTo(first);
    table.unpin(first);
    assertThat(table.reserve()).isEqualTo(KeyIndex.NONE);
    table.unpin(first);
    assertThat(table.reserve()).isEqualTo(first);
  }

  @Test
  void anUnpublishedFrameIsInvisible() {
    int frame = table.reserve();
    assertThat(table.contains(A)).isFalse();
    assertThatThrownBy(table::checkIntegrity)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("0 resident and 1 free frames");
    table.abandon(frame);
    table.checkIntegrity();
  }

  @Test
  void aPinShowsInTheIntegrityCheck() {
    put(A);
    int frame = table.pinQuietly(A);
    assertThatThrownBy(table::checkIntegrity).hasMessageContaining("has pins 1");
    table.unpin(frame);
    table.checkIntegrity();
  }

  @Test
  void closeWaitsForReaders() throws InterruptedException {
    put(C);
    int frame = table.pin(C);
    Thread closer = new Thread(table::close);
    closer.start();
    while (closer.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertThatThrownBy(() -> table.pin(C)).isInstanceOf(IllegalStateException.class);
    table.unpin(frame);
    closer.join();
    table.checkIntegrity();
  }

  @Test
  void aTilePublishedAfterCloseIsDropped() throws InterruptedException {
    int frame = table.reserve();
    Thread closer = new Thread(table::close);
    closer.start();
    while (closer.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertThat(table.publish(frame, A)).isFalse();
    closer.join();
    table.checkIntegrity();
  }

  private void put(TileKey key) {
    assertThat(table.publish(table.reserve(), key)).isTrue();
  }
}
