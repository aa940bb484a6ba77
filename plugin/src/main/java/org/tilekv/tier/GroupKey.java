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
 * Name of a group: the chain hash of one tile position, without a head. Held as four big-endian
 * longs like {@link TileKey}.
 *
 * @param hash0 bytes 0 to 7 of the chain hash
 * @param hash1 bytes 8 to 15
 * @param hash2 bytes 16 to 23
 * @param hash3 bytes 24 to 31
 */
public record GroupKey(long hash0, long hash1, long hash2, long hash3) {

  /** Bytes of a chain hash. */
  public static final int HASH_BYTES = TileKey.HASH_BYTES;

  /** Key of a chain hash of {@link #HASH_BYTES} bytes. */
  public static GroupKey of(byte[] chainHash) {
    if (chainHash.length != HASH_BYTES) {
      throw new IllegalArgumentException(
          "chain hash has " + chainHash.length + " bytes; it must have " + HASH_BYTES);
    }
    ByteBuffer hash = ByteBuffer.wrap(chainHash);
    return new GroupKey(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong());
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

  /** Name of one head's tile of this group. */
  public TileKey tile(int head) {
    return new TileKey(hash0, hash1, hash2, hash3, head);
  }

  @Override
  public int hashCode() {
    return tile(0).hashCode();
  }

  @Override
  public String toString() {
    return HexFormat.of().formatHex(chainHash());
  }
}
