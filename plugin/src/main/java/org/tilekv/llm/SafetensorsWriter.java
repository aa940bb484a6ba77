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

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.tilekv.attention.Bf16;
import org.tilekv.attention.Fp16;

/**
 * Writes a safetensors file as a stream: the tensors are declared first, then their values follow
 * in the same order, in parts of any size. Needs memory for the part that is being written only.
 * Confined to one thread.
 */
public final class SafetensorsWriter implements AutoCloseable {

  private static final int ALIGNMENT = 8;
  private static final int BUFFER_BYTES = 1 << 20;

  /**
   * A tensor to write.
   *
   * @param name name in the checkpoint
   * @param dtype what values are rounded to, to nearest, ties to even
   * @param shape extents, outermost first
   */
  public record Spec(String name, WeightDtype dtype, int... shape) {

    /** Elements in all. */
    public long elements() {
      return Arrays.stream(shape).asLongStream().reduce(1, Math::multiplyExact);
    }

    long bytes() {
      return elements() * dtype.bytes();
    }
  }

  private final List<Spec> specs;
  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private int current;
  private long left;

  private SafetensorsWriter(Path file, List<Spec> specs) throws IOException {
    this.specs = specs;
    this.channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    this.left = specs.isEmpty() ? 0 : specs.get(0).elements();
  }

  /**
   * Creates or replaces a file and writes its header.
   *
   * @throws UncheckedIOException where the file cannot be written
   */
  public static SafetensorsWriter create(Path file, List<Spec> specs) {
    try {
      SafetensorsWriter writer = new SafetensorsWriter(file, List.copyOf(specs));
      writer.writeHeader();
      return writer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void writeHeader() throws IOException {
    ObjectNode root = JsonFiles.MAPPER.createObjectNode();
    root.putObject("__metadata__").put("format", "pt");
    long at = 0;
    for (Spec spec : specs) {
      ObjectNode entry = root.putObject(spec.name()).put("dtype", spec.dtype().name());
      Arrays.stream(spec.shape()).forEach(entry.putArray("shape")::add);
      entry.putArray("data_offsets").add(at).add(at + spec.bytes());
      at += spec.bytes();
    }
    String json = root.toString();
    byte[] utf8 = json.getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(utf8, (utf8.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    Arrays.fill(padded, utf8.length, padded.length, (byte) ' ');
    buffer.putLong(padded.length);
    flush();
    writeFully(ByteBuffer.wrap(padded));
  }

  /**
   * Appends values to the current tensor; behind its last value the next one becomes current.
   *
   * @throws IllegalArgumentException where there are more values than the tensor has left
   */
  public void write(float[] values, int offset, int count) {
    if (count > left) {
      throw new IllegalArgumentException(
          count + " values follow, but the tensor has room for " + left);
    }
    WeightDtype dtype = specs.get(current).dtype();
    try {
      for (int i = offset; i < offset + count; i++) {
        if (buffer.remaining() < Float.BYTES) {
          flush();
        }
        put(dtype, values[i]);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    left -= count;
    while (left == 0 && current + 1 < specs.size()) {
      left = specs.get(++current).elements();
    }
  }

  private void put(WeightDtype dtype, float value) {
    switch (dtype) {
      case BF16 -> buffer.putShort(Bf16.fromFloat(value));
      case F16 -> buffer.putShort(Fp16.fromFloat(value));
      case F32 -> buffer.putFloat(value);
    }
  }

  private void flush() throws IOException {
    writeFully(buffer.flip());
    buffer.clear();
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /**
   * Finishes the file.
   *
   * @throws IllegalStateException where a declared value was not written
   */
  @Override
  public void close() {
    try (channel) {
      flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (left != 0) {
      throw new IllegalStateException(
          "tensor " + specs.get(current).name() + " lacks " + left + " values");
    }
  }
}
