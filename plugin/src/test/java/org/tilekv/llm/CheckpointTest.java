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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tilekv.attention.Bf16;

class CheckpointTest {

  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  @TempDir Path directory;

  @Test
  void readsGoldenCheckpoint() {
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve("tiny-llama"))) {
      Tensor head = checkpoint.tensor("lm_head.weight").requireShape(512, 128);
      float[] all = head.toFloats();
      short[] bits = new short[130];
      float[] row = new float[130];
      head.readShorts(17 * 128, bits, 1, 128);
      head.readRowAsFloats(17, row, 1);

      assertThat(head.dtype()).isEqualTo(WeightDtype.BF16);
      assertThat(head.elements()).isEqualTo(512 * 128);
      assertThat(all).hasSize(512 * 128);
      for (int i = 0; i < 128; i++) {
        assertThat(row[1 + i]).isEqualTo(all[17 * 128 + i]);
        assertThat(Bf16.toFloat(bits[1 + i])).isEqualTo(row[1 + i]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(WeightDtype.class)
  void shardsHoldTheSameValuesAsOneFile(WeightDtype dtype) {
    SyntheticCheckpoint model =
        new SyntheticCheckpoint().attentionBias(true).mlpBias(true).dtype(dtype).seed(7);
    Path one = model.write(directory.resolve("one"));
    Path three = model.shards(3).write(directory.resolve("three"));

    try (Checkpoint a = Checkpoint.open(one);
        Checkpoint b = Checkpoint.open(three)) {
      assertThat(a.names()).hasSize(3 + 2 * 16).isEqualTo(b.names());
      for (String name : a.names()) {
        assertThat(b.tensor(name).shape()).isEqualTo(a.tensor(name).shape());
        assertThat(b.tensor(name).toFloats()).isEqualTo(a.tensor(name).toFloats());
      }
      assertThat(a.tensor("model.norm.weight").toFloats()).doesNotContain(0f);
    }
  }

  @Test
  void shardsAreFoundWithoutIndex() throws IOException {
    Path model = new SyntheticCheckpoint().shards(2).write(directory);
    Files.delete(model.resolve("model.safetensors.index.json"));

    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      assertThat(checkpoint.has("model.embed_tokens.weight")).isTrue();
      assertThat(checkpoint.has("lm_head.weight")).isTrue();
    }

    Files.delete(model.resolve("model-00001-of-00002.safetensors"));
    assertThatThrownBy(() -> Checkpoint.open(model))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("1 of 2 shards")
        .hasMessageContaining("model-00002-of-00002.safetensors");
  }

  @Test
  void shardThatTheIndexNamesIsMissing() throws IOException {
    Path model = new SyntheticCheckpoint().shards(2).write(directory);
    Files.delete(model.resolve("model-00002-of-00002.safetensors"));

    assertThatThrownBy(() -> Checkpoint.open(model))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("names model-00002-of-00002.safetensors, which is missing");
  }

  @Test
  void indexMayNotNameAnotherDirectory() throws IOException {
    Files.writeString(
        directory.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"a\": \"../model.safetensors\"}}");

    assertThatThrownBy(() -> Checkpoint.open(directory))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("maps a to \"../model.safetensors\"")
        .hasMessageContaining("a .safetensors file of the same directory is needed");
  }

  @Test
  void indexPromisesATensorThatIsElsewhere() throws IOException {
    Path model = new SyntheticCheckpoint().shards(2).write(directory);
    Path index = model.resolve("model.safetensors.index.json");
    Files.writeString(
        index, Files.readString(index).replace("\"lm_head.weight\"", "\"lm_tail.weight\""));

    assertThatThrownBy(() -> Checkpoint.open(model))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("tensor lm_tail.weight is not in")
        .hasMessageContaining("model-00002-of-00002.safetensors");
  }

  @Test
  void tensorOfTwoShardsIsRefused() throws IOException {
    Path model = new SyntheticCheckpoint().write(directory);
    Files.copy(
        model.resolve("model.safetensors"), model.resolve("model-00001-of-00002.safetensors"));
    Files.move(
        model.resolve("model.safetensors"), model.resolve("model-00002-of-00002.safetensors"));

    assertThatThrownBy(() -> Checkpoint.open(model))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("is in " + model.resolve("model-00001-of-00002.safetensors"))
        .hasMessageContaining("and in " + model.resolve("model-00002-of-00002.safetensors"));
  }

  @Test
  void missingDirectoryAndWeightsAreNamed() {
    assertThatThrownBy(() -> Checkpoint.open(directory.resolve("absent")))
        .isInstanceOf(InvalidModelException.class)
        .hasMessage("model directory " + directory.resolve("absent") + " does not exist");
    assertThatThrownBy(() -> Checkpoint.open(directory))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("holds no weights")
        .hasMessageContaining("model.safetensors");
  }

  @Test
  void missingTensorAndWrongShapeAreNamed() {
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve("tiny-qwen2"))) {
      assertThat(checkpoint.has("lm_head.weight")).isFalse();
      assertThatThrownBy(() -> checkpoint.tensor("lm_head.weight"))
          .isInstanceOf(InvalidModelException.class)
          .hasMessageContaining("tensor lm_head.weight is missing in");
      Tensor norm = checkpoint.tensor("model.norm.weight");
      assertThatThrownBy(() -> norm.requireShape(64))
          .isInstanceOf(InvalidModelException.class)
          .hasMessage("tensor model.norm.weight has shape [128]; the configuration asks for [64]");
      assertThatThrownBy(() -> norm.readFloats(120, new float[16], 0, 16))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessageContaining("elements 120 to 136 of tensor model.norm.weight, which has 128");
    }
  }

  @Test
  void tensorLargerThanAMappingIsReadAcrossItsEnd() throws IOException {
    long pieceElements = SafetensorsFile.PIECE_BYTES / Short.BYTES;
    int columns = 1 << 28;
    byte[] header =
        "{\"a\": {\"dtype\": \"BF16\", \"shape\": [3, %d], \"data_offsets\": [0, %d]}}"
            .formatted(columns, 6L * columns)
            .getBytes(StandardCharsets.UTF_8);
    long data = Long.BYTES + header.length;
    ByteBuffer start = ByteBuffer.allocate((int) data).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(header.length).put(header).flip();
    ByteBuffer values = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 1; i <= 4; i++) {
      values.putShort(Bf16.fromFloat(i));
    }
    try (FileChannel sparse =
        FileChannel.open(
            directory.resolve("model.safetensors"),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.SPARSE,
            StandardOpenOption.WRITE)) {
      sparse.write(start, 0);
      sparse.write(values.flip(), data + Short.BYTES * (pieceElements - 2));
      sparse.write(ByteBuffer.allocate(1), data + 6L * columns - 1);
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      Tensor tensor = checkpoint.tensor("a").requireShape(3, columns);
      float[] floats = new float[6];
      short[] bits = new short[6];
      tensor.readFloats(pieceElements - 3, floats, 0, 6);
      tensor.readShorts(pieceElements - 3, bits, 0, 6);
      assertThat(floats).containsExactly(0, 1, 2, 3, 4, 0);
      for (int i = 0; i < 6; i++) {
        assertThat(Bf16.toFloat(bits[i])).isEqualTo(floats[i]);
      }
    }
  }

  @Test
  void rawBitsAreForSixteenBitTypesOnly() {
    Path model = new SyntheticCheckpoint().dtype(WeightDtype.F32).write(directory);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      Tensor norm = checkpoint.tensor("model.norm.weight");
      assertThatThrownBy(() -> norm.readShorts(0, new short[4], 0, 4))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("tensor model.norm.weight is F32; only BF16 and F16 have 16 bits");
    }
  }

  @Test
  void nothingIsReadableOrOpenAfterClose() throws IOException {
    Path model = new SyntheticCheckpoint().shards(2).write(directory);
    Checkpoint checkpoint = Checkpoint.open(model);
    Tensor norm = checkpoint.tensor("model.norm.weight");
    assertThat(openFilesUnder(model)).isZero();
    checkpoint.close();
    checkpoint.close();

    assertThatThrownBy(norm::toFloats)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> checkpoint.has("model.norm.weight"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is closed");
    assertThat(openFilesUnder(model)).isZero();
  }

  private static long openFilesUnder(Path model) throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    if (!Files.isDirectory(descriptors)) {
      return 0;
    }
    try (Stream<Path> open = Files.list(descriptors)) {
      return open.filter(
              fd -> {
                try {
                  return Files.readSymbolicLink(fd).startsWith(model);
                } catch (IOException e) {
                  return false;
                }
              })
          .count();
    }
  }
}
