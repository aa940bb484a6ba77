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

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Name of a full tile: SHA-256 over its parent's name and its token ids; the first tile's parent
 * stands for namespace and salt. Fields are tagged by kind and prefixed by length. The same tokens
 * have the same name in every process.
 */
public final class ChainHash {

  /** Bytes of a name. */
  public static final int BYTES = 32;

  private static final byte ROOT = 'r';
  private static final byte SALT = 's';
  private static final byte NO_SALT = '0';
  private static final byte TILE = 'c';
  private static final int TOKENS_AT = 1 + BYTES + Integer.BYTES;
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  private static final ThreadLocal<MessageDigest> DIGEST =
      ThreadLocal.withInitial(ChainHash::newDigest);

  private final byte[] hash;

  private ChainHash(byte[] hash) {
    this.hash = hash;
  }

  static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Reads what {@link #bytes} gave. */
  public static ChainHash of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException(
          "a chain hash of " + bytes.length + " bytes; it must have " + BYTES);
    }
    return new ChainHash(bytes.clone());
  }

  /** A copy of the {@link #BYTES} bytes. */
  public byte[] bytes() {
    return hash.clone();
  }

  /** Parent of the first tiles of a namespace under a salt; the salt cannot be read from it. */
  public static ChainHash root(Namespace namespace, @Nullable String salt) {
    MessageDigest digest = DIGEST.get();
    digest.update(ROOT);
    digest.update(namespace.bytes());
    if (salt == null) {
      digest.update(NO_SALT);
    } else {
      digest.update(SALT);
      digest.update(saltMessage(salt));
    }
    return new ChainHash(digest.digest());
  }

  // UTF-16 units as they are: an encoder would make salts equal that are not valid text.
  private static byte[] saltMessage(String salt) {
    int bytes = Character.BYTES * salt.length();
    ByteBuffer message = ByteBuffer.allocate(Integer.BYTES + bytes).putInt(bytes);
    for (int i = 0; i < salt.length(); i++) {
      message.putChar(salt.charAt(i));
    }
    return message.array();
  }

  /** Name of the tile {@code tokens[from..from+count)} after this one. */
  public ChainHash child(int[] tokens, int from, int count) {
    byte[] message = new byte[TOKENS_AT + Integer.BYTES * count];
    message[0] = TILE;
    System.arraycopy(hash, 0, message, 1, BYTES);
    INTS.set(message, 1 + BYTES, count);
    for (int i = 0; i < count; i++) {
      INTS.set(message, TOKENS_AT + Integer.BYTES * i, tokens[from + i]);
    }
    return new ChainHash(DIGEST.get().digest(message));
  }

  /** The first eight bytes: the tile's name where an index may be wrong. */
  public long shortName() {
    return ByteBuffer.wrap(hash).getLong();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ChainHash that && Arrays.equals(hash, that.hash);
  }

  @Override
  public int hashCode() {
    return ByteBuffer.wrap(hash).getInt(BYTES - Integer.BYTES);
  }

  @Override
  public String toString() {
    return HexFormat.of().formatHex(hash);
  }
}
