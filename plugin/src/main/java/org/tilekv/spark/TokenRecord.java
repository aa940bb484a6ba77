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

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What one pass over a job's prompts leaves for the next: the tokens of a prompt, and a digest that
 * tells whether a prompt is still the same one. Empty for a prompt that cannot be tokenised. Bytes
 * alone, which every serialiser takes. Confined to one thread.
 */
final class TokenRecord {

  static final byte[] EMPTY = {};

  private static final int DIGEST_BYTES = 16;

  private final MessageDigest sha = Sha256.open();

  byte[] encode(@Nullable String prompt, int @Nullable [] tokens) {
    if (prompt == null || tokens == null) {
      return EMPTY;
    }
    byte[] bytes = TokenBytes.encode(tokens);
    byte[] record = Arrays.copyOf(digest(prompt), DIGEST_BYTES + bytes.length);
    System.arraycopy(bytes, 0, record, DIGEST_BYTES, bytes.length);
    return record;
  }

  /** Whether the record has the tokens of this prompt. */
  boolean isOf(byte[] record, @Nullable String prompt) {
    return record.length >= DIGEST_BYTES
        && prompt != null
        && Arrays.equals(record, 0, DIGEST_BYTES, digest(prompt), 0, DIGEST_BYTES);
  }

  /** The tokens as {@link TokenBytes}, or null. */
  static byte @Nullable [] tokenBytes(byte[] record) {
    return record.length < DIGEST_BYTES
        ? null
        : Arrays.copyOfRange(record, DIGEST_BYTES, record.length);
  }

  private byte[] digest(String prompt) {
    return sha.digest(prompt.getBytes(StandardCharsets.UTF_8));
  }
}
