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
package org.tilekv.coordinator;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.tilekv.coordinator.MessageException.Reason;

/**
 * Reads fields of one message. Every length is checked against what is left before anything is
 * allocated. Confined to one call.
 */
final class MessageReader {

  private final ByteBuffer in;

  MessageReader(ByteBuffer in) {
    this.in = in;
  }

  byte readByte() {
    require(1);
    return in.get();
  }

  int readInt() {
    require(Integer.BYTES);
    return in.getInt();
  }

  long readLong() {
    require(Long.BYTES);
    return in.getLong();
  }

  boolean readBoolean() {
    byte value = readByte();
    if (value != 0 && value != 1) {
      throw bad("a flag is " + value + "; allowed are 0 and 1");
    }
    return value == 1;
  }

  String readString() {
    require(Short.BYTES);
    int length = in.getShort() & 0xFFFF;
    require(length);
    byte[] bytes = new byte[length];
    in.get(bytes);
    return isAscii(bytes) ? new String(bytes, StandardCharsets.US_ASCII) : decode(bytes);
  }

  private static boolean isAscii(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0) {
        return false;
      }
    }
    return true;
  }

  private static String decode(byte[] utf8) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw bad("a text is not UTF-8");
    }
  }

  <E extends Enum<E>> E readEnum(E[] constants) {
    int ordinal = readByte() & 0xFF;
    if (ordinal >= constants.length) {
      throw bad("a constant is " + ordinal + "; allowed are 0 to " + (constants.length - 1));
    }
    return constants[ordinal];
  }

  short readShort() {
    require(Short.BYTES);
    return in.getShort();
  }

  /** A number of things that take so many bytes each, or more. */
  int readCount(String what, int most, int bytesEach) {
    int count = readInt();
    if (count < 0 || count > most) {
      throw bad(count + " " + what + "; allowed are 0 to " + most);
    }
    require(count * bytesEach);
    return count;
  }

  List<Peer> readPeers() {
    int count = readCount("peers", Successors.MAX_PEERS, Short.BYTES + Short.BYTES + Integer.BYTES);
    List<Peer> peers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      peers.add(new Peer(readString(), readString(), readInt()));
    }
    return peers;
  }

  TileNames readTileNames() {
    int count = readCount("tile names", TileNames.MAX, Long.BYTES);
    long[] names = new long[count];
    in.asLongBuffer().get(names);
    in.position(in.position() + count * Long.BYTES);
    return TileNames.owning(names);
  }

  ExecutorStats readStats() {
    long[] numbers = new long[ExecutorStats.FIELDS];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = readLong();
      if (numbers[i] < 0) {
        throw bad("counter " + i + " is " + numbers[i] + "; it must not be negative");
      }
    }
    return ExecutorStats.of(numbers);
  }

  void requireEnd() {
    if (in.hasRemaining()) {
      throw new MessageException(
          Reason.TRAILING_BYTES, in.remaining() + " bytes follow the last field");
    }
  }

  private void require(int bytes) {
    if (in.remaining() < bytes) {
      throw new MessageException(
          Reason.TRUNCATED,
          "a field needs " + bytes + " bytes at " + in.position() + "; left are " + in.remaining());
    }
  }

  private static MessageException bad(String message) {
    return new MessageException(Reason.BAD_FIELD, message);
  }
}
