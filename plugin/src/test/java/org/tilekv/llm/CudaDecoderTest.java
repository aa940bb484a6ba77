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
package org.tilekv.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a decoder on a device does without one. */
class CudaDecoderTest {

  private final List<String> calls = new ArrayList<>();

  @Test
  void aStepThatIsQueuedIsNotWaitedFor() {
    CudaDecoder.wholeOrEnded(() -> calls.add("queue"), () -> calls.add("await"));
    assertThat(calls).containsExactly("queue");
  }

  @Test
  void whatWasQueuedOfAStepThatFailsHasEnded() {
    IllegalStateException failure = new IllegalStateException("no memory to capture a graph");
    IllegalStateException broken = new IllegalStateException("the device is gone");
    assertThatThrownBy(
            () ->
                CudaDecoder.wholeOrEnded(
                    () -> {
                      calls.add("queue");
                      throw failure;
                    },
                    () -> {
                      calls.add("await");
                      throw broken;
                    }))
        .isSameAs(failure)
        .hasSuppressedException(broken);
    assertThat(calls).containsExactly("queue", "await");
  }
}
