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
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads what a safetensors header says about one tensor, and holds its size to its shape. */
final class SafetensorsEntries {

  /** Bytes of an element. Types that are not here, such as packed 4-bit ones, are not checked. */
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

  private SafetensorsEntries() {}

  /**
   * Reads one entry.
   *
   * @param what stands for the tensor in messages
   */
  static SafetensorsHeader.Entry read(String what, String name, JsonNode node) {
    JsonNode dtype = node.path("dtype");
    long[] shape = longs(node.path("shape"));
    long[] offsets = longs(node.path("data_offsets"));
    if (!dtype.isTextual() || shape == null || offsets == null || offsets.length != 2) {
      throw new InvalidModelException(
          what + " is described by " + node + "; dtype, shape and two data_offsets are needed");
    }
    Integer elementBytes = DTYPE_BYTES.get(dtype.textValue());
    long bytes = offsets[1] - offsets[0];
    if (elementBytes != null && bytes != product(shape, elementBytes)) {
      throw new InvalidModelException(
          "%s has offsets %s (%d bytes); its shape %s of %s needs %d"
              .formatted(
                  what,
                  node.path("data_offsets"),
                  bytes,
                  node.path("shape"),
                  dtype.textValue(),
                  product(shape, elementBytes)));
    }
    return new SafetensorsHeader.Entry(
        name, dtype.textValue(), ints(shape), offsets[0], offsets[1]);
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
    return Arrays.stream(values).mapToInt(v -> (int) Math.min(v, Integer.MAX_VALUE)).toArray();
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
}
