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

import org.junit.jupiter.api.Test;
import org.tilekv.coordinator.Peer;

class PeerGateTest {

  private static final Peer A = new Peer("a", "host", 1);
  private static final Peer B = new Peer("b", "host", 2);
  private static final Peer C = new Peer("c", "host", 3);

  private long nowNs = Long.MAX_VALUE - 5;
  private final PeerGate gate = new PeerGate(100, () -> nowNs);

  @Test
  void boundsBytesOfAllAndRequestsOfEach() {
    assertThat(gate.enter(A, 40)).isTrue();
    assertThat(gate.enter(A, 10)).isTrue();
    assertThat(gate.enter(A, 1)).isFalse();
    assertThat(gate.enter(B, 51)).isFalse();
    assertThat(gate.enter(B, 50)).isTrue();
    assertThat(gate.bytesOnTheWay()).isEqualTo(100);
    gate.leave(A, 40, false);
    assertThat(gate.enter(C, 40)).isTrue();
    gate.leave(A, 10, false);
    gate.leave(B, 50, false);
    gate.leave(C, 40, false);
    assertThat(gate.bytesOnTheWay()).isZero();
    assertThat(gate.enter(A, 1000)).as("alone").isTrue();
    assertThat(gate.enter(B, 1)).isFalse();
  }

  @Test
  void leavesAloneWhoFailedForTwiceAsLongEachTime() {
    long backOffNs = PeerGate.FIRST_BACK_OFF_NS;
    for (int i = 0; i < 10; i++) {
      assertThat(gate.enter(A, 1)).isTrue();
      gate.leave(A, 1, true);
      assertThat(gate.enter(A, 1)).isFalse();
      assertThat(gate.enter(B, 1)).as("the other one").isTrue();
      gate.leave(B, 1, false);
      nowNs += backOffNs - 1;
      assertThat(gate.enter(A, 1)).isFalse();
      nowNs++;
      backOffNs = Math.min(PeerGate.LONGEST_BACK_OFF_NS, 2 * backOffNs);
    }
    assertThat(gate.enter(A, 1)).isTrue();
    gate.leave(A, 1, false);
    assertThat(gate.enter(A, 1)).isTrue();
    gate.leave(A, 1, true);
    nowNs += PeerGate.FIRST_BACK_OFF_NS;
    assertThat(gate.enter(A, 1)).as("a success in between starts again").isTrue();
  }
}
