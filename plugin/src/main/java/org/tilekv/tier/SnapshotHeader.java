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

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.tier.SnapshotException.Reason;

/**
 * Whose tiles a snapshot holds, see {@code docs/tile-file-format.md}.
 *
 * @param namespace 32 bytes: digest of everything that changes the content of tiles
 * @param geometry shape of a tile
 * @param model what people call the model, at most {@value #MOST_MODEL_BYTES} bytes of UTF-8
 */
public record SnapshotHeader(byte[] namespace, TileGeometry geometry, String model) {
  static final int VERSION = 1;
  static final long MAGIC =
      ByteBuffer.wrap(new byte[] {(byte) 0x89, 'T', 'K', 'S', '\r', '\n', 0x1a, '\n'}).getLong();
  private static final int MOST_MODEL_BYTES = 1024;
  private static final int FIXED_BYTES = 8 + 4 + 32 + 5 * 4 + 4;

  public SnapshotHeader {
    Namespaces.require(namespace);
    if (model.getBytes(StandardCharsets.UTF_8).length > MOST_MODEL_BYTES) {
      throw new IllegalArgumentException(
          "a model's name has at most " + MOST_MODEL_BYTES + " bytes");
    }
  }

  int groupBytes() {
    return Math.multiplyExact(geometry.kvHeads(), geometry.tileBytes());
  }

  ByteBuffer encode() {
    byte[] name = model.getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = littleEndian(FIXED_BYTES + name.length + 4);
    out.putLong(Long.reverseBytes(MAGIC)).putInt(VERSION).put(namespace);
    out.putInt(geometry.layers()).putInt(geometry.kvHeads()).putInt(geometry.headDim());
    out.putInt(geometry.tileTokens()).putInt(geometry.dtype().ordinal());
    out.putInt(name.length).put(name);
    out.putInt(crc(out.slice(0, out.position())));
    return out.flip();
  }

  static SnapshotHeader read(InputStream in, String where) throws IOException {
    ByteBuffer fixed = littleEndian(FIXED_BYTES);
    readFully(in, fixed, where);
    if (Long.reverseBytes(fixed.getLong()) != MAGIC) {
      throw new SnapshotException(Reason.FOREIGN, where + " is no snapshot of a cache");
    }
    int version = fixed.getInt();
    if (version != VERSION) {
      throw new SnapshotException(
          Reason.VERSION, where + " has format version " + version + "; allowed is " + VERSION);
    }
    byte[] namespace = new byte[32];
    fixed.get(namespace);
    int[] shape = new int[5];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = fixed.getInt();
    }
    int nameBytes = fixed.getInt();
    if (nameBytes < 0 || nameBytes > MOST_MODEL_BYTES) {
      throw corrupt(where, "header");
    }
    ByteBuffer rest = littleEndian(nameBytes + 4);
    readFully(in, rest, where);
    CRC32C crc = new CRC32C();
    crc.update(fixed.rewind());
    crc.update(rest.slice(0, nameBytes));
    if ((int) crc.getValue() != rest.getInt(nameBytes)) {
      throw corrupt(where, "header");
    }
    String model = StandardCharsets.UTF_8.decode(rest.slice(0, nameBytes)).toString();
    return new SnapshotHeader(namespace, geometry(shape, where), model);
  }

  private static TileGeometry geometry(int[] shape, String where) {
    try {
      KvDtype dtype = KvDtype.values()[shape[4]];
      return new TileGeometry(shape[0], shape[1], shape[2], shape[3], dtype);
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      throw corrupt(where, "geometry");
    }
  }

  static SnapshotException corrupt(String where, String what) {
    return new SnapshotException(
        Reason.CORRUPT, where + " is damaged: its " + what + " does not match its checksum");
  }

  static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }

  /** Fills a buffer from its start and rewinds it. */
  static void readFully(InputStream in, ByteBuffer dst, String where) throws IOException {
    try {
      int read = in.readNBytes(dst.array(), dst.arrayOffset(), dst.capacity());
      if (read < dst.capacity()) {
        throw new EOFException();
      }
      dst.clear();
    } catch (EOFException e) {
      throw new SnapshotException(Reason.TRUNCATED, where + " ends in the middle of a tile");
    }
  }

  /** Model, shape and namespace, as messages name them. */
  public String describe() {
    return model
        + " ("
        + geometry.dtype()
        + ", tiles of "
        + geometry.tileTokens()
        + " tokens, namespace "
        + HexFormat.of().formatHex(namespace, 0, 6)
        + ")";
  }
}
