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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {

  private static final String TENSOR =
      "\"%s\": {\"dtype\": \"%s\", \"shape\": %s, \"data_offsets\": [%d, %d]}";

  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void nameFile() {
    file = directory.resolve("model.safetensors");
  }

  @Test
  void fileCutAnywhereIsRefusedByName() throws IOException {
    new SyntheticCheckpoint().hidden(8, 8).heads(2, 1, 4).vocab(8).layers(1).write(directory);
    byte[] whole = Files.readAllBytes(file);
    int header = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    long seed = 11;
    Random random = new Random(seed);
    for (int i = 0; i < 60; i++) {
      int cut = i < 12 ? i : random.nextInt(whole.length);
      Files.write(file, Arrays.copyOf(whole, cut));
      assertThatThrownBy(() -> Checkpoint.open(directory))
          .as("seed %d, cut at %d of %d", seed, cut, whole.length)
          .isInstanceOf(InvalidModelException.class)
          .hasMessageContaining(file.toString())
          .hasMessageMatching(
              cut < 8
                  ? ".* has " + cut + " bytes; a safetensors file begins with a header length of 8"
                  : cut < 8 + header
                      ? ".* asks for a header of "
                          + header
                          + " bytes; the file has "
                          + (cut - 8)
                          + " after.*"
                      : ".* ends at byte \\d+ of the data; the file has "
                          + (cut - 8 - header)
                          + " and is truncated");
    }
  }

  @Test
  void headerLengthIsBounded() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    for (long length : new long[] {57, 100_000_001, Long.MAX_VALUE, -1}) {
      Files.write(file, bytes.putLong(0, length).array());
      assertThatThrownBy(() -> Checkpoint.open(directory))
          .isInstanceOf(InvalidModelException.class)
          .hasMessage(
              file
                  + " asks for a header of "
                  + Long.toUnsignedString(length)
                  + " bytes; the file has 56 after the length, and at most 100000000 are allowed");
    }
  }

  @Test
  void headerMustBeOneJsonObject() throws IOException {
    refused("{\"a\": ", 0, "the header of " + file + " is not valid JSON");
    refused("[1]", 0, "type ARRAY; an object is needed");
    refused("{\"a\": {\"dtype\": \"F32\"}}", 0, "dtype, shape and two data_offsets are needed");
    String twice = tensor("a", "F32", "[1]", 0, 4);
    refused("{" + twice + "," + twice + "}", 4, "Duplicate field 'a'");
  }

  @Test
  void layoutMustBeWithoutGapAndOverlap() throws IOException {
    String a = tensor("a", "F32", "[2]", 0, 8);
    refused(
        "{" + a + "," + tensor("b", "F32", "[2]", 4, 12) + "}",
        12,
        "tensor b of "
            + file
            + " lies at bytes 4 to 12 of the data; it must begin where the"
            + " tensor before it ends, at 8");
    refused("{" + a + "," + tensor("b", "F32", "[1]", 12, 16) + "}", 16, "at 8");
    refused("{" + tensor("a", "F32", "[2]", 8, 0) + "}", 8, "needs 8");
    refused("{" + a + "}", 9, "has 9 bytes of data; its header describes 8");
  }

  @Test
  void offsetsMustFitTheShape() throws IOException {
    refused(
        "{" + tensor("a", "BF16", "[2, 3]", 0, 8) + "}",
        8,
        "tensor a of " + file + " has offsets [0,8] (8 bytes); its shape [2,3] of BF16 needs 12");
    refused(
        "{" + tensor("a", "F32", "[4294967296, 4294967296, 4]", 0, 8) + "}", 8, "needs 92233720");
    refused("{" + tensor("a", "F32", "[-2]", 0, 8) + "}", 8, "two data_offsets are needed");
    refused("{" + tensor("a", "F32", "[2.5]", 0, 8) + "}", 8, "two data_offsets are needed");
  }

  @Test
  void unsupportedDtypeIsRefusedWhenUsed() throws IOException {
    write("{" + tensor("a", "I64", "[1]", 0, 8) + "," + tensor("b", "F4", "[4]", 8, 10) + "}", 10);
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.has("a")).isTrue();
      assertThatThrownBy(() -> checkpoint.tensor("a"))
          .isInstanceOf(InvalidModelException.class)
          .hasMessage("tensor a of " + file + " has dtype I64; allowed are [BF16, F16, F32]");
    }
  }

  @Test
  void readsUnalignedAndEmptyTensorsAndScalars() throws IOException {
    write(
        "{\"__metadata__\": {\"format\": \"pt\"},"
            + tensor("byte", "U8", "[1]", 0, 1)
            + ","
            + tensor("empty", "F32", "[0, 3]", 1, 1)
            + ","
            + tensor("scalar", "F32", "[]", 1, 5)
            + "}",
        5);
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, 2.5f);
    Files.write(file, bytes);
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      assertThat(checkpoint.tensor("empty").toFloats()).isEmpty();
      assertThat(checkpoint.tensor("scalar").toFloats()).containsExactly(2.5f);
      assertThat(checkpoint.tensor("scalar").columns()).isEqualTo(1);
    }
  }

  private static String tensor(String name, String dtype, String shape, long begin, long end) {
    return TENSOR.formatted(name, dtype, shape, begin, end);
  }

  private void refused(String header, int dataBytes, String message) throws IOException {
    write(header, dataBytes);
    assertThatThrownBy(() -> Checkpoint.open(directory))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message);
  }

  private void write(String header, int dataBytes) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file, bytes.putLong(json.length).put(json).array());
  }
}
