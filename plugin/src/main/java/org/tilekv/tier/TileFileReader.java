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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.tilekv.TileGeometry;
import org.tilekv.tier.TileFileException.Reason;

/**
 * Reads one tile file ({@code docs/tile-file-format.md}). {@link #open} verifies the structure
 * (header, names of all tiles, footer) before anything is handed out, and allocates nothing that
 * the length of the file does not justify; {@link #read} verifies a tile's bytes. Safe for
 * concurrent reads.
 */
public final class TileFileReader implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;
  private final TileFileHeader header;
  private final TileKey[] keys;
  private final int[] checksums;

  private TileFileReader(
      Path file, FileChannel channel, TileFileHeader header, TileKey[] keys, int[] checksums) {
    this.file = file;
    this.channel = channel;
    this.header = header;
    this.keys = keys;
    this.checksums = checksums;
  }

  /**
   * Opens and verifies a file.
   *
   * @throws TileFileException where it is foreign, of another version, truncated or damaged
   * @throws IOException where it cannot be read
   */
  public static TileFileReader open(Path file) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      return verified(file, channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static TileFileReader verified(Path file, FileChannel channel) throws IOException {
    ByteBuffer in = TileFileHeader.littleEndian(TileFileHeader.BYTES);
    readFully(file, channel, in, 0);
    TileFileHeader header = TileFileHeader.decode(file, in).require(file, TileFileKind.TILES);
    long stride = (long) TileFileRecord.BYTES + header.geometry().tileBytes();
    long size = channel.size();
    long body = size - TileFileHeader.BYTES - TileFileRecord.FOOTER_BYTES;
    if (body < 0 || body % stride != 0 || body / stride > Integer.MAX_VALUE / 4) {
      throw new TileFileException(
          Reason.TRUNCATED, file, "length", size, "header, footer and tiles of " + stride);
    }
    int count = (int) (body / stride);
    int chain = footerChain(file, channel, header, count, size);
    TileFileReader reader =
        new TileFileReader(file, channel, header, new TileKey[count], new int[count]);
    reader.readNames(chain);
    return reader;
  }

  private static int footerChain(
      Path file, FileChannel channel, TileFileHeader header, int count, long size)
      throws IOException {
    ByteBuffer in = TileFileHeader.littleEndian(TileFileRecord.FOOTER_BYTES);
    readFully(file, channel, in, size - TileFileRecord.FOOTER_BYTES);
    int at = TileFileRecord.FOOTER_CHECKSUM_AT;
    int marker = in.getInt(0);
    int expected = TileFileRecord.checksum(in, at, header.checksum());
    Reason reason = Reason.TRUNCATED;
    TileFileHeader.requireEqual(
        reason, file, "footer marker", marker, TileFileRecord.FOOTER_MARKER);
    TileFileHeader.requireEqual(reason, file, "footer checksum", in.getInt(at), expected);
    TileFileHeader.requireEqual(reason, file, "tile count", in.getLong(8), count);
    TileFileHeader.requireEqual(reason, file, "recorded length", in.getLong(16), size);
    return in.getInt(24);
  }

  private void readNames(int expectedChain) throws IOException {
    CRC32C chain = TileFileRecord.seeded(header.checksum());
    ByteBuffer in = TileFileHeader.littleEndian(TileFileRecord.BYTES);
    for (int i = 0; i < keys.length; i++) {
      in.clear();
      readFully(file, channel, in, position(i));
      checkRecord(i, in);
      TileFileRecord.chain(chain, in);
      keys[i] = TileFileRecord.key(in);
      checksums[i] = TileFileRecord.dataChecksum(in);
    }
    TileFileHeader.requireEqual(
        Reason.CORRUPT,
        file,
        "checksum over all tile names",
        (int) chain.getValue(),
        expectedChain);
  }

  private void checkRecord(int i, ByteBuffer in) {
    int at = TileFileRecord.CHECKSUM_AT;
    String tile = " of tile " + i;
    Reason reason = Reason.CORRUPT;
    TileFileHeader.requireEqual(reason, file, "marker" + tile, in.getInt(0), TileFileRecord.MARKER);
    int length = in.getInt(TileFileRecord.LENGTH_AT);
    TileFileHeader.requireEqual(
        reason, file, "length" + tile, length, header.geometry().tileBytes());
    int expected = TileFileRecord.checksum(in, at, header.checksum());
    TileFileHeader.requireEqual(
        reason, file, "checksum of the name" + tile, in.getInt(at), expected);
  }

  /** What the tiles belong to, 32 bytes. */
  public byte[] namespace() {
    return header.namespace().clone();
  }

  public TileGeometry geometry() {
    return header.geometry();
  }

  /** Tiles in the file, damaged ones included. */
  public int count() {
    return keys.length;
  }

  /** Key of a tile; tiles are in order of use, the least recently used first. */
  public TileKey key(int tile) {
    return keys[tile];
  }

  /** Refuses the file unless it holds tiles of this namespace and geometry. */
  public void require(byte[] namespace, TileGeometry geometry) {
    header.require(file, namespace, geometry);
  }

  /**
   * Reads a tile into the next {@code geometry.tileBytes()} bytes of {@code dst}. False where the
   * bytes are damaged; what {@code dst} then holds must not be used.
   */
  public boolean read(int tile, ByteBuffer dst) throws IOException {
    ByteBuffer into = dst.slice(dst.position(), header.geometry().tileBytes());
    readFully(file, channel, into, position(tile) + TileFileRecord.BYTES);
    dst.position(dst.position() + into.capacity());
    return TileFileRecord.crc(into.flip()) == checksums[tile];
  }

  private long position(int tile) {
    return TileFileHeader.BYTES
        + tile * ((long) TileFileRecord.BYTES + header.geometry().tileBytes());
  }

  private static void readFully(Path file, FileChannel channel, ByteBuffer dst, long position)
      throws IOException {
    long at = position;
    while (dst.hasRemaining()) {
      int read = channel.read(dst, at);
      if (read < 0) {
        throw new TileFileException(
            Reason.TRUNCATED, file, "length", at, "at least " + (at + dst.remaining()));
      }
      at += read;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
