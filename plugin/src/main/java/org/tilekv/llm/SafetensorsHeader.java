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
import java.util.Map;
import org.jspecify.annotations.Nullable;

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

  private static final Map<String, Integer> DTYPE_BYTES =
      Map.ofEntries(
          Map.entry("BOOL", 1),
          Map.entry("U8", 1),
          Map.entry("I8", 1),
          Map.entry("F8_E4M3", 1),
          Map.entry("F8_E5M2", 1),
          Map.entry("F8_E8M0", 1),
          Map.entry("I16", 2),
          Map.entry("U16", 2),
          Map.entry("F16", 2),
          Map.entry("BF16", 2),
          Map.entry("I32", 4),
          Map.entry("U32", 4),
          Map.entry("F32", 4),
          Map.entry("I64", 8),
          Map.entry("U64", 8),
          Map.entry("F64", 8),
          Map.entry("C64", 8));

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
              if (!field.getKey().equals("__metadata__")) {
                entries.add(entry(file, field.getKey(), field.getValue()));
              }
            });
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    checkLayout(file, entries, dataBytes);
    return new SafetensorsHeader(List.copyOf(entries));
  }

  private static Entry entry(String file, String name, JsonNode node) {
    JsonNode dtype = node.path("dtype");
    long[] extents = longs(node.path("shape"));
    long[] offsets = longs(node.path("data_offsets"));
    if (!dtype.isTextual() || extents == null || offsets == null || offsets.length != 2) {
      throw refused(
          file, name, "is described by " + node + "; dtype, shape and two data_offsets are needed");
    }
    Entry entry = new Entry(name, dtype.textValue(), ints(extents), offsets[0], offsets[1]);
    Integer elementBytes = DTYPE_BYTES.get(entry.dtype());
    if (elementBytes != null && entry.bytes() != product(extents, elementBytes)) {
      throw refused(
          file,
          name,
          "has offsets "
              + node.path("data_offsets")
              + " ("
              + entry.bytes()
              + " bytes); its shape "
              + node.path("shape")
              + " of "
              + entry.dtype()
              + " needs "
              + product(extents, elementBytes));
    }
    return entry;
  }

  private static void checkLayout(String file, List<Entry> entries, long dataBytes) {
    long at = 0;
    for (Entry entry : entries) {
      if (entry.end() > dataBytes) {
        throw refused(
            file,
            entry.name(),
            "ends at byte "
                + entry.end()
                + " of the data; the file has "
                + dataBytes
                + " and is truncated");
      }
      if (entry.begin() != at || entry.end() < entry.begin()) {
        throw refused(
            file,
            entry.name(),
            "lies at bytes "
                + entry.begin()
                + " to "
                + entry.end()
                + " of the data; it must begin where the tensor before it ends, at "
                + at);
      }
      at = entry.end();
    }
    if (at != dataBytes) {
      throw new InvalidModelException(
          file + " has " + dataBytes + " bytes of data; its header describes " + at);
    }
  }

  /** Values of an array of integers that are not negative, or null for anything else. */
  private static long @Nullable [] longs(JsonNode node) {
    if (!node.isArray()) {
      return null;
    }
    long[] values = new long[node.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode value = node.get(i);
      if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
        return null;
      }
      values[i] = value.longValue();
    }
    return values;
  }

  private static int[] ints(long[] values) {
    int[] ints = new int[values.length];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = (int) Math.min(values[i], Integer.MAX_VALUE);
    }
    return ints;
  }

  /** Product of all, {@link Long#MAX_VALUE} where it does not fit. */
  private static long product(long[] extents, long elementBytes) {
    long product = elementBytes;
    for (long extent : extents) {
      long high = Math.multiplyHigh(product, extent);
      product *= extent;
      if (high != 0 || product < 0) {
        return Long.MAX_VALUE;
      }
    }
    return product;
  }

  private static InvalidModelException refused(String file, String name, String what) {
    return new InvalidModelException("tensor " + name + " of " + file + " " + what);
  }
}
