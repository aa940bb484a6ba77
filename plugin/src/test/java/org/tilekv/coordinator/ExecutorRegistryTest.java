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

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExecutorRegistryTest {

  private final PrefixDirectory directory = new PrefixDirectory(1 << 10);
  private final ExecutorRegistry executors = new ExecutorRegistry(directory, 0);

  @Test
  void executorsThatTakeRequestsAreCountedWhateverBecomesOfThem() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Map<String, Integer> ports = new HashMap<>();
    for (int step = 0; step < 2_000; step++) {
      String id = "e" + random.nextInt(20);
      switch (random.nextInt(5)) {
        case 0, 1 -> {
          int port = random.nextInt(2);
          executors.register(new Register(id, "host", 1, 0, port), step);
          ports.put(id, port);
        }
        case 2 -> executors.leave(id);
        case 3 -> {
          executors.remove(id);
          ports.remove(id);
        }
        default -> executors.expire(step - 20).forEach(ports::remove);
      }
      List<String> expected =
          ports.keySet().stream().filter(peer -> ports.getOrDefault(peer, 0) > 0).toList();
      assertThat(executors.peers()).as("seed %d step %d", seed, step).isEqualTo(expected.size());
      for (int i = 0; i < 20; i++) {
        String peer = "e" + i;
        boolean is = expected.contains(peer);
        assertThat(executors.isPeer(peer)).as("seed %d step %d", seed, step).isEqualTo(is);
        assertThat(executors.peer(peer).isPresent()).isEqualTo(is);
      }
    }
  }

  @Test
  void whoeverIsLeavingStaysLeavingHoweverManyThereAre() {
    ExecutorRegistry few = new ExecutorRegistry(directory, 0, 2);
    for (int i = 0; i < 5; i++) {
      few.register(register("e" + i), 0);
      assertThat(few.leave("e" + i)).isTrue();
    }
    assertThat(few.leaving()).isEqualTo(5);
    for (int i = 0; i < 5; i++) {
      assertThat(few.isLeaving("e" + i)).as("e%d", i).isTrue();
      assertThat(few.leave("e" + i)).as("e%d: no news", i).isFalse();
    }
    assertThat(few.register(register("e0"), 0).leaving()).as("registered again").isTrue();
    few.remove("e1");
    assertThat(few.isLeaving("e1")).as("was leaving before it went").isTrue();
    assertThat(few.leaving()).isEqualTo(4);
  }

  @Test
  void whoIsSilentWhileItLeavesIsLeavingWhenItComesBack() {
    ExecutorRegistry few = new ExecutorRegistry(directory, 0, 1);
    for (int i = 0; i < 3; i++) {
      few.register(register("e" + i), i);
      few.leave("e" + i);
    }
    assertThat(few.expire(0)).containsExactly("e0");
    assertThat(few.leaving()).isEqualTo(2);
    assertThat(few.register(register("e0"), 9).leaving()).isTrue();
  }

  private static Register register(String id) {
    return new Register(id, "host", 1, 0);
  }
}
