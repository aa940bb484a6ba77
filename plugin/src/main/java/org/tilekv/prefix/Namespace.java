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
package org.tilekv.prefix;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Digest of everything that changes the content of K and V: tiles of two namespaces never meet. */
public final class Namespace {

  private static final int BYTES = 32;

  private final byte[] digest;

  private Namespace(byte[] digest) {
    this.digest = digest;
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Reads what {@link #hex} gave. */
  public static Namespace ofHex(String hex) {
    byte[] digest = HexFormat.of().parseHex(hex);
    if (digest.length != BYTES) {
      throw new IllegalArgumentException(
          "a namespace of " + digest.length + " bytes; it must have " + BYTES);
    }
    return new Namespace(digest);
  }

  /** The digest as 64 hex digits. */
  public String hex() {
    return HexFormat.of().formatHex(digest);
  }

  /** The 32 bytes of the digest; a copy. */
  public byte[] bytes() {
    return digest.clone();
  }

  @Override
  public String toString() {
    return hex();
  }

  /** Collects named fields; each goes into the digest with its kind and length. */
  public static final class Builder {

    private static final byte TEXT = 't';
    private static final byte NUMBER = 'n';

    private final MessageDigest digest = ChainHash.newDigest();

    /** Adds a text. */
    public Builder field(String name, String value) {
      put(TEXT, name.getBytes(StandardCharsets.UTF_8));
      put(TEXT, value.getBytes(StandardCharsets.UTF_8));
      return this;
    }

    /** Adds a number. */
    public Builder field(String name, long value) {
      put(TEXT, name.getBytes(StandardCharsets.UTF_8));
      put(NUMBER, ByteBuffer.allocate(Long.BYTES).putLong(value).array());
      return this;
    }

    private void put(byte kind, byte[] bytes) {
      digest.update(kind);
      digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
      digest.update(bytes);
    }

    public Namespace build() {
      return new Namespace(digest.digest());
    }
  }
}
