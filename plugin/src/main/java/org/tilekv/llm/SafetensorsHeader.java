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

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Table of contents of one safetensors file.
 *
 * <p>A file is an unsigned 64-bit little-endian header length, a JSON object of that length and the
 * data. The object maps a tensor's name to {@code dtype}, {@code shape} and {@code data_offsets}
 * (begin and end, counted from the start of the data). Tensors follow one another without gap or
 * overlap and fill the data to its end.
 *
 * @param entries in the order of their data
 */
record SafetensorsHeader(List<Entry> entries) {

  /** Longest header that is read, as in the format's own library. */
  static final int MAX_HEADER_BYTES = 100_000_000;

  private static final String METADATA = "__metadata__";

  /**
   * One tensor.
   *
   * @param name name in the checkpoint
   * @param dtype as written, supported or not
   * @param shape extents, empty for a scalar
   * @param begin first byte, counted from the start of the data
   * @param end byte after the last
   */
  record Entry(String name, String dtype, int[] shape, long begin, long end) {

    long bytes() {
      return end - begin;
    }
  }

  /**
   * Parses and checks a header.
   *
   * @param file stands for the file in messages
   * @param dataBytes bytes that the file has after the header
   */
  static SafetensorsHeader parse(byte[] json, String file, long dataBytes) {
    List<Entry> entries = new ArrayList<>();
    JsonNode root = JsonFiles.parseObject(json, "the header of " + file);
    root.fields()
        .forEachRemaining(
            field -> {
              if (!field.getKey().equals(METADATA)) {
                String what = "tensor " + field.getKey() + " of " + file;
                entries.add(SafetensorsEntries.read(what, field.getKey(), field.getValue()));
              }
            });
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    checkLayout(file, entries, dataBytes);
    return new SafetensorsHeader(List.copyOf(entries));
  }

  private static void checkLayout(String file, List<Entry> entries, long dataBytes) {
    long at = 0;
    for (Entry entry : entries) {
      if (entry.end() > dataBytes) {
        throw new InvalidModelException(
            "tensor %s of %s ends at byte %d of the data; the file has %d and is truncated"
                .formatted(entry.name(), file, entry.end(), dataBytes));
      }
      if (entry.begin() != at || entry.end() < entry.begin()) {
        throw new InvalidModelException(
            ("tensor %s of %s lies at bytes %d to %d of the data; it must begin where the tensor"
                    + " before it ends, at %d")
                .formatted(entry.name(), file, entry.begin(), entry.end(), at));
      }
      at = entry.end();
    }
    if (at != dataBytes) {
      throw new InvalidModelException(
          file + " has " + dataBytes + " bytes of data; its header describes " + at);
    }
  }
}
