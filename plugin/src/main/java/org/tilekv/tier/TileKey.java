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
package org.tilekv.tier;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * Name of a tile: a 32-byte chain hash and the KV head. The hash is held as four big-endian longs,
 * so that equality and hashing touch no array; any four longs make a valid key.
 *
 * @param hash0 bytes 0 to 7 of the chain hash
 * @param hash1 bytes 8 to 15
 * @param hash2 bytes 16 to 23
 * @param hash3 bytes 24 to 31
 * @param head KV head
 */
public record TileKey(long hash0, long hash1, long hash2, long hash3, int head) {

  /** Bytes of a chain hash. */
  public static final int HASH_BYTES = 32;

  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  /** Key of a chain hash of {@link #HASH_BYTES} bytes. */
  public static TileKey of(byte[] chainHash, int head) {
    if (chainHash.length != HASH_BYTES) {
      throw new IllegalArgumentException(
          "chain hash has " + chainHash.length + " bytes; it must have " + HASH_BYTES);
    }
    return read(ByteBuffer.wrap(chainHash), head);
  }

  /** Key of an id of the caller's choice, for users without chain hashes. */
  public static TileKey of(long id, int head) {
    return new TileKey(id, 0, 0, 0, head);
  }

  /** The chain hash as bytes. */
  public byte[] chainHash() {
    return ByteBuffer.allocate(HASH_BYTES)
        .putLong(hash0)
        .putLong(hash1)
        .putLong(hash2)
        .putLong(hash3)
        .array();
  }

  private static TileKey read(ByteBuffer hash, int head) {
    return new TileKey(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong(), head);
  }

  /** Mixes all words: keys made from counters spread as well as cryptographic hashes. */
  @Override
  public int hashCode() {
    long mixed = hash0 * MULTIPLIER + hash1;
    mixed = mixed * MULTIPLIER + hash2;
    mixed = mixed * MULTIPLIER + hash3;
    mixed = mixed * MULTIPLIER + head;
    mixed = (mixed ^ mixed >>> 32) * MULTIPLIER;
    return (int) (mixed >>> 32);
  }

  @Override
  public String toString() {
    return HexFormat.of().formatHex(chainHash()) + "/" + head;
  }
}
