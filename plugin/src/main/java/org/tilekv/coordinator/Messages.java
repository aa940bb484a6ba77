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
import org.tilekv.coordinator.MessageException.Reason;

/**
 * The wire form of messages: {@code byte[]} both ways, so that no class of ours has to be known to
 * the one who receives it.
 *
 * <pre>
 * int magic "TKVM" | byte version | byte type | int body length | body
 * </pre>
 *
 * Big-endian. A text is two length bytes and UTF-8; tile names are a count and 8 bytes each; {@link
 * ExecutorStats} is its numbers in order. Versions do not mix: driver and executors of one
 * application run the same jar, and anything else is refused by name.
 */
public final class Messages {

  static final int MAGIC = 0x544B564D;
  static final byte VERSION = 3;
  static final int HEADER_BYTES = 10;

  /** Longest message; a full heartbeat stays below half of it. */
  static final int MAX_BYTES = 512 << 10;

  private static final byte REGISTER = 1;
  private static final byte REGISTER_REPLY = 2;
  private static final byte HEARTBEAT = 3;
  private static final byte HEARTBEAT_REPLY = 4;
  private static final byte INIT_FAILURE = 5;
  private static final byte ACK = 6;
  private static final byte REFUSED = 7;
  private static final byte LOCATE = 8;
  private static final byte LOCATED = 9;
  private static final byte FIND_SUCCESSORS = 10;
  private static final byte SUCCESSORS = 11;

  private Messages() {}

  public static byte[] encode(Message message) {
    MessageWriter out = new MessageWriter();
    out.writeInt(MAGIC).writeByte(VERSION).writeByte(typeOf(message)).writeInt(0);
    writeBody(message, out);
    out.writeLengthAt(HEADER_BYTES - Integer.BYTES);
    return out.toByteArray();
  }

  /**
   * Reads one message. Allocates no more than a small multiple of the bytes' length.
   *
   * @throws MessageException naming what is wrong; nothing else is thrown, whatever the bytes are
   */
  public static Message decode(byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      throw new MessageException(
          Reason.TOO_LARGE, bytes.length + " bytes; allowed are " + MAX_BYTES);
    }
    MessageReader in = new MessageReader(ByteBuffer.wrap(bytes));
    byte type = readHeader(in, bytes.length);
    Message message;
    try {
      message = readBody(type, in);
    } catch (IllegalArgumentException e) {
      throw new MessageException(Reason.BAD_FIELD, String.valueOf(e.getMessage()));
    }
    in.requireEnd();
    return message;
  }

  private static byte readHeader(MessageReader in, int length) {
    int magic = in.readInt();
    if (magic != MAGIC) {
      throw new MessageException(Reason.BAD_MAGIC, Integer.toHexString(magic));
    }
    byte version = in.readByte();
    if (version != VERSION) {
      throw new MessageException(
          Reason.UNKNOWN_VERSION, "version " + version + "; this side speaks " + VERSION);
    }
    byte type = in.readByte();
    int bodyLength = in.readInt();
    if (bodyLength != length - HEADER_BYTES) {
      throw new MessageException(
          bodyLength > length - HEADER_BYTES ? Reason.TRUNCATED : Reason.TRAILING_BYTES,
          "the body has " + (length - HEADER_BYTES) + " bytes; it says " + bodyLength);
    }
    return type;
  }

  private static Message readBody(byte type, MessageReader in) {
    return switch (type) {
      case REGISTER ->
          new Register(in.readString(), in.readString(), in.readInt(), in.readLong(), in.readInt());
      case REGISTER_REPLY -> new RegisterReply(in.readLong(), in.readLong());
      case HEARTBEAT ->
          new Heartbeat(
              in.readString(),
              in.readLong(),
              in.readLong(),
              in.readLong(),
              in.readBoolean(),
              in.readStats(),
              in.readTileNames(),
              in.readTileNames());
      case HEARTBEAT_REPLY -> new HeartbeatReply(in.readLong(), in.readBoolean(), in.readBoolean());
      case INIT_FAILURE -> new InitFailure(in.readString(), in.readString(), in.readString());
      case ACK -> new Ack(in.readLong());
      case REFUSED ->
          new Refused(in.readEnum(Refused.Reason.values()), in.readLong(), in.readString());
      case LOCATE -> new Locate(in.readString(), in.readTileNames());
      case LOCATED -> Located.read(in);
      case FIND_SUCCESSORS -> new FindSuccessors(in.readString());
      case SUCCESSORS -> new Successors(in.readBoolean(), in.readPeers());
      default -> throw new MessageException(Reason.UNKNOWN_TYPE, "type " + type);
    };
  }

  private static byte typeOf(Message message) {
    if (message instanceof Heartbeat) {
      return HEARTBEAT;
    }
    if (message instanceof HeartbeatReply) {
      return HEARTBEAT_REPLY;
    }
    if (message instanceof Register) {
      return REGISTER;
    }
    if (message instanceof RegisterReply) {
      return REGISTER_REPLY;
    }
    if (message instanceof InitFailure) {
      return INIT_FAILURE;
    }
    if (message instanceof Ack) {
      return ACK;
    }
    return message instanceof Refused ? REFUSED : typeOfPeerMessage(message);
  }

  private static byte typeOfPeerMessage(Message message) {
    if (message instanceof Locate) {
      return LOCATE;
    }
    if (message instanceof Located) {
      return LOCATED;
    }
    return message instanceof FindSuccessors ? FIND_SUCCESSORS : SUCCESSORS;
  }

  private static void writeBody(Message message, MessageWriter out) {
    if (message instanceof Heartbeat m) {
      out.writeString(m.executorId()).writeLong(m.session()).writeLong(m.number());
      out.writeLong(m.epoch()).writeBoolean(m.full()).writeStats(m.stats());
      out.writeTileNames(m.published()).writeTileNames(m.dropped());
    } else if (message instanceof HeartbeatReply m) {
      out.writeLong(m.epoch()).writeBoolean(m.resync()).writeBoolean(m.leaving());
    } else if (message instanceof Register m) {
      out.writeString(m.executorId()).writeString(m.host());
      out.writeInt(m.cores()).writeLong(m.poolBytes()).writeInt(m.transportPort());
    } else if (message instanceof RegisterReply m) {
      out.writeLong(m.epoch()).writeLong(m.session());
    } else if (message instanceof InitFailure m) {
      out.writeString(m.executorId()).writeString(m.host()).writeString(m.message());
    } else if (message instanceof Ack m) {
      out.writeLong(m.epoch());
    } else if (message instanceof Refused m) {
      out.writeEnum(m.reason()).writeLong(m.epoch()).writeString(m.detail());
    } else {
      writePeerMessage(message, out);
    }
  }

  private static void writePeerMessage(Message message, MessageWriter out) {
    if (message instanceof Locate m) {
      out.writeString(m.executorId()).writeTileNames(m.names());
    } else if (message instanceof Located m) {
      m.write(out);
    } else if (message instanceof FindSuccessors m) {
      out.writeString(m.executorId());
    } else if (message instanceof Successors m) {
      out.writeBoolean(m.leaving()).writePeers(m.peers());
    }
  }
}
