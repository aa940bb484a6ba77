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
package org.tilekv.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** Counts that come from another member. */
class CellMessageTest {

  @Test
  void whatWasPutIsRead() {
    CellMessage message = new CellMessage();
    message.put(new byte[] {1, 2, 3}).put(new int[] {7, 8, 9}, 1, 2);
    ByteBuffer finished = message.finished();
    assertThat(CellMessage.bytes(finished)).containsExactly(1, 2, 3);
    assertThat(CellMessage.ints(finished, 2)).containsExactly(8, 9);
    assertThat(finished.hasRemaining()).isFalse();
  }

  @Test
  void aCountBeyondTheMessageIsRefused() {
    for (int count : new int[] {-1, 3, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> CellMessage.ints(ByteBuffer.allocate(11), count))
          .isInstanceOf(CellException.class)
          .hasMessage(
              "a message of another member says that "
                  + count
                  + " numbers follow; 11 bytes remain");
    }
    for (int count : new int[] {Integer.MIN_VALUE, 5, Integer.MAX_VALUE}) {
      ByteBuffer message = ByteBuffer.allocate(8).putInt(0, count);
      assertThatThrownBy(() -> CellMessage.bytes(message))
          .isInstanceOf(CellException.class)
          .hasMessageContaining("that " + count + " bytes follow; 4 bytes remain");
    }
  }
}
