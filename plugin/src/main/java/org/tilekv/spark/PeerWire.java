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

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;

/**
 * What executors say to each other about tiles.
 *
 * <pre>
 * request: byte channel | int magic "TKVP" | byte version | byte type | 32 bytes namespace | body
 *   fetch: int most bytes | int count | count names of 32 bytes, each continuing the one before
 *   push:  32 bytes root | int tokens | tokens | int first tile | int count | count (int length |
 *          int CRC32C | bytes)
 * reply:   int magic | byte version | byte status | int count
 *   to a fetch: count (32 bytes name | 32 bytes parent | int tokens | tokens | int length |
 *               int CRC32C | bytes)
 * </pre>
 *
 * Big-endian. The checksum is over the tile's name and its bytes. Salts are in no message: names
 * and roots stand for them.
 */
final class PeerWire {

  /** Bytes of tiles in one message, but for a single tile that is larger. */
  static final int TILE_BYTES_PER_MESSAGE = 4 << 20;

  /** Most names, or tokens, in one message. */
  static final int MAX_NAMES = 1 << 14;

  static final int MAX_TOKENS = 1 << 20;

  static final byte FETCH = 1;
  static final byte PUSH = 2;

  private static final int MAGIC = 0x544B5650;
  private static final byte VERSION = 1;
  private static final int REPLY_HEADER_BYTES = 4 + 1 + 1 + 4;
  private static final int REQUEST_HEADER_BYTES = 1 + 4 + 1 + 1 + ChainHash.BYTES;

  /** How a request ended. The order is part of the format. */
  enum Status {
    OK,
    BUSY,
    NO_MODEL,
    MALFORMED,
    REFUSED,
    NO_ROOM,
    NO_PARENT
  }

  /** A message that cannot be read. */
  static final class FormatException extends Exception {
    private static final long serialVersionUID = 1L;

    FormatException(String message) {
      super(message);
    }
  }

  /**
   * A request for tiles.
   *
   * @param namespace in hex digits
   */
  record Fetch(String namespace, int maxBytes, List<ChainHash> names) {}

  /**
   * Tiles of one prompt, from one of them on.
   *
   * @param root parent of the prompt's first tile
   * @param tokens the prompt up to the last tile
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Push(
      String namespace, ChainHash root, int[] tokens, int firstTile, List<SentTile> tiles) {}

  /** Bytes of a tile with their checksum, as they came. */
  record SentTile(ByteBuffer bytes, int checksum) {

    /** Whether these are the bytes that were sent under this name. */
    boolean isIntact(ChainHash name) {
      return PeerWire.checksum(name, bytes) == checksum;
    }
  }

  private PeerWire() {}

  static int checksum(ChainHash name, ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(name.bytes());
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  private static ByteBuffer request(int bodyBytes, byte type, String namespace) {
    return ByteBuffer.allocate(REQUEST_HEADER_BYTES + bodyBytes)
        .put(PeerServer.CHANNEL)
        .putInt(MAGIC)
        .put(VERSION)
        .put(type)
        .put(HexFormat.of().parseHex(namespace));
  }

  static ByteBuffer encode(Fetch fetch) {
    ByteBuffer out =
        request(8 + ChainHash.BYTES * fetch.names().size(), FETCH, fetch.namespace())
            .putInt(fetch.maxBytes())
            .putInt(fetch.names().size());
    fetch.names().forEach(name -> out.put(name.bytes()));
    return out.flip();
  }

  static ByteBuffer encode(Push push) {
    int tileBytes = push.tiles().stream().mapToInt(tile -> 8 + tile.bytes().remaining()).sum();
    int tokenBytes = Integer.BYTES * push.tokens().length;
    ByteBuffer out =
        request(ChainHash.BYTES + 12 + tokenBytes + tileBytes, PUSH, push.namespace())
            .put(push.root().bytes());
    putTokens(out, push.tokens());
    out.putInt(push.firstTile()).putInt(push.tiles().size());
    for (SentTile tile : push.tiles()) {
      out.putInt(tile.bytes().remaining()).putInt(tile.checksum()).put(tile.bytes().duplicate());
    }
    return out.flip();
  }

  private static void putTokens(ByteBuffer out, int[] tokens) {
    out.putInt(tokens.length);
    for (int token : tokens) {
      out.putInt(token);
    }
  }

  /**
   * Reads a request behind its channel.
   *
   * @return a {@link Fetch} or a {@link Push}
   */
  static Record readRequest(ByteBuffer in) throws FormatException {
    try {
      requireHeader(in);
      byte type = in.get();
      String namespace = HexFormat.of().formatHex(bytes(in, ChainHash.BYTES));
      Record request =
          switch (type) {
            case FETCH -> new Fetch(namespace, in.getInt(), readNames(in));
            case PUSH ->
                new Push(namespace, readName(in), readTokens(in), in.getInt(), readTiles(in));
            default -> throw new FormatException("type " + type);
          };
      requireEnd(in);
      return request;
    } catch (BufferUnderflowException e) {
      throw new FormatException("truncated");
    }
  }

  private static void requireHeader(ByteBuffer in) throws FormatException {
    int magic = in.getInt();
    byte version = in.get();
    if (magic != MAGIC || version != VERSION) {
      throw new FormatException(
          "magic " + Integer.toHexString(magic) + ", version " + version + "; not ours");
    }
  }

  private static void requireEnd(ByteBuffer in) throws FormatException {
    if (in.hasRemaining()) {
      throw new FormatException(in.remaining() + " bytes follow");
    }
  }

  private static int count(ByteBuffer in, int most, int bytesEach) throws FormatException {
    int count = in.getInt();
    if (count < 0 || count > most || (long) count * bytesEach > in.remaining()) {
      throw new FormatException("a count is " + count + " with " + in.remaining() + " bytes left");
    }
    return count;
  }

  private static byte[] bytes(ByteBuffer in, int count) {
    byte[] bytes = new byte[count];
    in.get(bytes);
    return bytes;
  }

  private static ChainHash readName(ByteBuffer in) {
    return ChainHash.of(bytes(in, ChainHash.BYTES));
  }

  private static List<ChainHash> readNames(ByteBuffer in) throws FormatException {
    int count = count(in, MAX_NAMES, ChainHash.BYTES);
    List<ChainHash> names = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      names.add(readName(in));
    }
    return names;
  }

  private static int[] readTokens(ByteBuffer in) throws FormatException {
    int[] tokens = new int[count(in, MAX_TOKENS, Integer.BYTES)];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = in.getInt();
    }
    return tokens;
  }

  private static SentTile readTile(ByteBuffer in) throws FormatException {
    int length = in.getInt();
    int checksum = in.getInt();
    if (length < 0 || length > in.remaining()) {
      throw new FormatException("a tile has " + length + " bytes; left are " + in.remaining());
    }
    ByteBuffer bytes = in.slice(in.position(), length);
    in.position(in.position() + length);
    return new SentTile(bytes, checksum);
  }

  private static List<SentTile> readTiles(ByteBuffer in) throws FormatException {
    int count = count(in, MAX_NAMES, 8);
    List<SentTile> tiles = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      tiles.add(readTile(in));
    }
    return tiles;
  }

  /** A reply without tiles. */
  static ByteBuffer reply(Status status, int count) {
    return header(ByteBuffer.allocate(REPLY_HEADER_BYTES), status).putInt(count).flip();
  }

  private static ByteBuffer header(ByteBuffer out, Status status) {
    return out.putInt(MAGIC).put(VERSION).put((byte) status.ordinal());
  }

  /** Writes a reply of tiles. */
  static final class TilesWriter {

    private final ByteBuffer out;
    private final int tileBytes;
    private int tiles;

    /** For at most so many tiles of these sizes. */
    TilesWriter(int most, int tileTokens, int tileBytes) {
      this.tileBytes = tileBytes;
      int each = 2 * ChainHash.BYTES + 12 + Integer.BYTES * tileTokens + tileBytes;
      out = ByteBuffer.allocate(Math.addExact(REPLY_HEADER_BYTES, Math.multiplyExact(most, each)));
      header(out, Status.OK).putInt(0);
    }

    /** Reads a tile's bytes behind the buffer's position; null where it is not there. */
    @FunctionalInterface
    interface Reader {
      @org.jspecify.annotations.Nullable
      NamedTile read(ByteBuffer dst);
    }

    /**
     * Appends a tile.
     *
     * @return whether there was one
     */
    boolean add(int tileTokens, Reader reader) {
      int at = out.position();
      int bytesAt = at + 2 * ChainHash.BYTES + 12 + Integer.BYTES * tileTokens;
      NamedTile tile = reader.read(out.position(bytesAt));
      out.position(at);
      if (tile == null || tile.tokens().length != tileTokens) {
        return false;
      }
      out.put(tile.name().bytes()).put(tile.parent().bytes());
      putTokens(out, tile.tokens());
      out.putInt(tileBytes).putInt(checksum(tile.name(), out.slice(bytesAt, tileBytes)));
      out.position(bytesAt + tileBytes);
      tiles++;
      return true;
    }

    int tiles() {
      return tiles;
    }

    ByteBuffer finish() {
      return out.putInt(REPLY_HEADER_BYTES - Integer.BYTES, tiles).flip();
    }
  }

  /** Reads a reply: first its status, then tile by tile. */
  static final class ReplyReader {

    private final ByteBuffer in;
    final Status status;
    final int count;

    ReplyReader(ByteBuffer in) throws FormatException {
      this.in = in;
      try {
        requireHeader(in);
        int ordinal = in.get();
        if (ordinal < 0 || ordinal >= Status.values().length) {
          throw new FormatException("status " + ordinal);
        }
        status = Status.values()[ordinal];
        count = in.getInt();
      } catch (BufferUnderflowException e) {
        throw new FormatException("truncated");
      }
    }

    NamedTile nextTile() throws FormatException {
      try {
        return new NamedTile(readName(in), readName(in), readTokens(in));
      } catch (BufferUnderflowException e) {
        throw new FormatException("truncated");
      }
    }

    SentTile nextBytes() throws FormatException {
      try {
        return readTile(in);
      } catch (BufferUnderflowException e) {
        throw new FormatException("truncated");
      }
    }
  }
}
