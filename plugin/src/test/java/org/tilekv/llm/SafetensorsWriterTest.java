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

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.llm.SafetensorsWriter.Spec;

class SafetensorsWriterTest {

  @TempDir Path directory;

  @Test
  void valuesComeBackInAnyParts() {
    List<Spec> specs =
        List.of(
            new Spec("b", WeightDtype.F32, 3, 2),
            new Spec("empty", WeightDtype.BF16, 0),
            new Spec("a", WeightDtype.BF16, 4));
    float[] values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    try (SafetensorsWriter writer = create(specs)) {
      writer.write(values, 0, 1);
      writer.write(values, 1, 5);
      writer.write(values, 6, 4);
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.tensor("b").requireShape(3, 2).toFloats())
          .containsExactly(0, 1, 2, 3, 4, 5);
      assertThat(checkpoint.tensor("a").requireShape(4).toFloats()).containsExactly(6, 7, 8, 9);
    }
  }

  @Test
  void tooManyAndTooFewValuesAreRefused() {
    SafetensorsWriter writer = create(List.of(new Spec("a", WeightDtype.F16, 4)));
    assertThatThrownBy(() -> writer.write(new float[5], 0, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("5 values follow, but the tensor has room for 4");
    writer.write(new float[3], 0, 3);
    assertThatThrownBy(writer::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tensor a lacks 1 values");
  }

  private SafetensorsWriter create(List<Spec> specs) {
    return SafetensorsWriter.create(directory.resolve("model.safetensors"), specs);
  }
}
