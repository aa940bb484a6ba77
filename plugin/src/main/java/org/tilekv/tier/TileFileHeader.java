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
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.tier.TileFileException.Reason;

/**
 * The first {@link #BYTES} bytes of a tile file, see {@code docs/tile-file-format.md}. Its checksum
 * seeds those of the records, so that a record of another file does not pass.
 *
 * @param firstHead first KV head of a group; 0 in a file of tiles
 * @param heads KV heads of a group; 0 in a file of tiles
 * @param count slots of a segment, groups of an order file; 0 in a file of tiles
 */
record TileFileHeader(
    TileFileKind kind,
    byte[] namespace,
    TileGeometry geometry,
    int firstHead,
    int heads,
    int count,
    int checksum) {
  static final int BYTES = 96;
  static final int VERSION = 2;
  static final int NAMESPACE_BYTES = 32;

  /** A byte above 127, the name, and line ends that a text-mode transfer would change. */
  static final long MAGIC =
      ByteBuffer.wrap(new byte[] {(byte) 0x89, 'T', 'K', 'V', '\r', '\n', 0x1a, '\n'}).getLong();

  private static final int CHECKSUM_AT = BYTES - Integer.BYTES;

  static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Header of a file of tiles. */
  static TileFileHeader of(byte[] namespace, TileGeometry geometry) {
    return new TileFileHeader(TileFileKind.TILES, namespace, geometry, 0, 0, 0, 0).sealed();
  }

  /** Header of a file of the disk tier. */
  static TileFileHeader of(TileFileKind kind, DiskTierOptions options, int count) {
    return new TileFileHeader(
            kind,
            options.namespace(),
            options.geometry(),
            options.firstHead(),
            options.heads(),
            count,
            0)
        .sealed();
  }

  private TileFileHeader sealed() {
    int crc = encode().getInt(CHECKSUM_AT);
    return new TileFileHeader(kind, namespace, geometry, firstHead, heads, count, crc);
  }

  ByteBuffer encode() {
    ByteBuffer out = littleEndian(BYTES);
    out.putLong(Long.reverseBytes(MAGIC)).putInt(VERSION).putInt(BYTES).put(namespace);
    out.putInt(geometry.layers()).putInt(geometry.kvHeads()).putInt(geometry.headDim());
    out.putInt(geometry.tileTokens()).putInt(code(geometry.dtype())).putInt(geometry.tileBytes());
    out.putInt(kind.code()).putInt(firstHead).putInt(heads).putInt(count);
    out.putInt(CHECKSUM_AT, crc(out, CHECKSUM_AT));
    return out.rewind();
  }

  /** Checks and decodes; refuses with {@link TileFileException}. */
  static TileFileHeader decode(Path file, ByteBuffer in) {
    long magic = Long.reverseBytes(in.getLong(0));
    if (magic != MAGIC) {
      throw refuse(Reason.FOREIGN, file, "magic", hex(magic), hex(MAGIC));
    }
    requireEqual(Reason.VERSION, file, "format version", in.getInt(8), VERSION);
    requireEqual(Reason.CORRUPT, file, "header length", in.getInt(12), BYTES);
    int checksum = in.getInt(CHECKSUM_AT);
    requireEqual(Reason.CORRUPT, file, "header checksum", checksum, crc(in, CHECKSUM_AT));
    byte[] namespace = new byte[NAMESPACE_BYTES];
    in.get(16, namespace);
    TileGeometry geometry = geometry(file, in);
    requireEqual(Reason.CORRUPT, file, "tile length", in.getInt(68), geometry.tileBytes());
    TileFileKind kind = kind(file, in.getInt(72));
    return new TileFileHeader(
        kind, namespace, geometry, in.getInt(76), in.getInt(80), in.getInt(84), checksum);
  }

  private static TileGeometry geometry(Path file, ByteBuffer in) {
    KvDtype dtype = dtype(file, in.getInt(64));
    try {
      return new TileGeometry(in.getInt(48), in.getInt(52), in.getInt(56), in.getInt(60), dtype);
    } catch (IllegalArgumentException e) {
      throw refuse(Reason.CORRUPT, file, "geometry", String.valueOf(e.getMessage()), "a valid one");
    }
  }

  /** Refuses a file of another kind. */
  TileFileHeader require(Path file, TileFileKind wanted) {
    if (kind != wanted) {
      throw refuse(Reason.FOREIGN, file, "kind", kind, wanted);
    }
    return this;
  }

  /** Refuses a file that holds something else than the groups of a disk tier. */
  TileFileHeader require(Path file, TileFileKind wantedKind, DiskTierOptions wanted) {
    require(file, wantedKind);
    require(file, wanted.namespace(), wanted.geometry());
    requireEqual(Reason.GEOMETRY, file, "first head", firstHead, wanted.firstHead());
    requireEqual(Reason.GEOMETRY, file, "heads", heads, wanted.heads());
    return this;
  }

  /** Refuses a file that holds something else than the caller's tiles. */
  void require(Path file, byte[] wantedNamespace, TileGeometry wantedGeometry) {
    if (!Arrays.equals(namespace, wantedNamespace)) {
      HexFormat hex = HexFormat.of();
      throw refuse(
          Reason.NAMESPACE,
          file,
          "namespace",
          hex.formatHex(namespace),
          hex.formatHex(wantedNamespace));
    }
    if (!geometry.equals(wantedGeometry)) {
      throw refuse(Reason.GEOMETRY, file, "geometry", geometry, wantedGeometry);
    }
  }

  static void requireEqual(Reason reason, Path file, String thing, long found, long allowed) {
    if (found != allowed) {
      throw refuse(reason, file, thing, found, allowed);
    }
  }

  private static TileFileException refuse(
      Reason reason, Path file, String thing, Object found, Object allowed) {
    return new TileFileException(reason, file, thing, found, allowed);
  }

  /** CRC32C of the first {@code length} bytes. */
  private static int crc(ByteBuffer buffer, int length) {
    CRC32C crc = new CRC32C();
    crc.update(buffer.slice(0, length));
    return (int) crc.getValue();
  }

  private static String hex(long value) {
    return HexFormat.of().toHexDigits(value);
  }

  private static int code(KvDtype dtype) {
    return switch (dtype) {
      case FLOAT32 -> 1;
      case FLOAT16 -> 2;
      case BFLOAT16 -> 3;
      case INT8 -> 4;
    };
  }

  private static TileFileKind kind(Path file, int code) {
    for (TileFileKind kind : TileFileKind.values()) {
      if (kind.code() == code) {
        return kind;
      }
    }
    throw refuse(Reason.CORRUPT, file, "kind", code, "1 to " + TileFileKind.values().length);
  }

  private static KvDtype dtype(Path file, int code) {
    for (KvDtype dtype : KvDtype.values()) {
      if (code(dtype) == code) {
        return dtype;
      }
    }
    throw refuse(Reason.CORRUPT, file, "dtype code", code, "1 to " + KvDtype.values().length);
  }
}
