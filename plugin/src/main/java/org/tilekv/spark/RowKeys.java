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
package org.tilekv.spark;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.spark.sql.Row;

/**
 * Identity of a row for sampling. It depends on the row's values alone, so that a retry, a
 * speculative copy and another partitioning draw the same numbers.
 */
final class RowKeys {

  private RowKeys() {}

  /**
   * Integers are their own key; other values go by a hash of their text, and so does the prompt
   * where there is no key.
   *
   * @param rowKeyIndex column of the key, or -1
   */
  static long of(Row row, int rowKeyIndex, String prompt) {
    Object key = rowKeyIndex < 0 ? null : row.get(rowKeyIndex);
    if (key instanceof Long || key instanceof Integer || key instanceof Short) {
      return ((Number) key).longValue();
    }
    return hash(key == null ? prompt : key.toString());
  }

  /** The first eight bytes of the SHA-256 of a text. */
  static long hash(String text) {
    byte[] digest = Sha256.open().digest(text.getBytes(StandardCharsets.UTF_8));
    return ByteBuffer.wrap(digest).getLong();
  }
}
