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

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CheckpointTest {

  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  @Test
  void readsGoldenCheckpoint() {
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve("tiny-llama"))) {
      Tensor head = checkpoint.tensor("lm_head.weight").requireShape(512, 128);
      float[] all = head.toFloats();
      short[] bits = new short[128];
      float[] row = new float[128];
      head.readShorts(17 * 128, bits, 0, 128);
      head.readRowAsFloats(17, row, 0);
      for (int i = 0; i < 128; i++) {
        assertThat(row[i]).isEqualTo(all[17 * 128 + i]);
        assertThat(WeightDtype.bf16ToFloat(bits[i])).isEqualTo(row[i]);
      }
    }
  }
}
