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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.tilekv.coordinator.MessageException.Reason;

class MessagesTest {

  private static final ExecutorStats STATS =
      ExecutorStats.of(LongStream.rangeClosed(1, ExecutorStats.FIELDS).toArray());

  private static final List<Message> ONE_OF_EACH =
      List.of(
          new Register("driver", "höst.example", 8, 1L << 40),
          new RegisterReply(3, 17),
          new Heartbeat(
              "7", 17, 2, 3, false, STATS, TileNames.of(1, -2, Long.MIN_VALUE), TileNames.of(9)),
          new Heartbeat("7", 17, 3, 3, true, STATS, TileNames.of(5), TileNames.NONE),
          new Register("3", "host", 2, 0, 65_535),
          new HeartbeatReply(4, true, false),
          new HeartbeatReply(4, false, true),
          new Locate("7", TileNames.of(3, 4)),
          new Located(2, List.of(new Peer("1", "a", 1), new Peer("2", "b", 2)), List.of(1, -1, 0)),
          new FindSuccessors("7"),
          new Successors(true, List.of(new Peer("1", "a", 1))),
          new InitFailure("8", "host", "no model: \uD83D\uDE42"),
          new Ack(0),
          new Refused(Refused.Reason.STALE_EPOCH, 9, "epoch 3"));

  @Test
  void everyMessageComesBackAsItWas() {
    for (Message message : ONE_OF_EACH) {
      assertThat(Messages.decode(Messages.encode(message))).isEqualTo(message);
    }
  }

  @Test
  void everyReasonCrossesTheWire() {
    for (Refused.Reason reason : Refused.Reason.values()) {
      Refused refused = new Refused(reason, 1, "");
      assertThat(Messages.decode(Messages.encode(refused))).isEqualTo(refused);
    }
  }

  @Test
  void layoutOfVersionThreeIsFixed() {
    assertThat(Messages.encode(new HeartbeatReply(258, true, false)))
        .isEqualTo(
            new byte[] {'T', 'K', 'V', 'M', 3, 4, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 1, 2, 1, 0});
  }

  @Test
  void cutOffAnywhereIsTruncated() {
    for (Message message : ONE_OF_EACH) {
      byte[] bytes = Messages.encode(message);
      for (int length = 0; length < bytes.length; length++) {
        refused(Arrays.copyOf(bytes, length), Reason.TRUNCATED);
      }
      refused(Arrays.copyOf(bytes, bytes.length + 1), Reason.TRAILING_BYTES);
    }
  }

  @Test
  void cutOffBodyWithAMatchingLengthIsTruncatedToo() {
    for (Message message : ONE_OF_EACH) {
      byte[] bytes = Messages.encode(message);
      for (int length = Messages.HEADER_BYTES; length < bytes.length; length++) {
        byte[] cut = Arrays.copyOf(bytes, length);
        ByteBuffer.wrap(cut).putInt(6, length - Messages.HEADER_BYTES);
        refused(cut, Reason.TRUNCATED);
      }
      byte[] longer = Arrays.copyOf(bytes, bytes.length + 3);
      ByteBuffer.wrap(longer).putInt(6, longer.length - Messages.HEADER_BYTES);
      refused(longer, Reason.TRAILING_BYTES);
    }
  }

  @Test
  void strangersAreNamed() {
    refused(changed(0, 'X'), Reason.BAD_MAGIC);
    refused(changed(4, 1), Reason.UNKNOWN_VERSION);
    refused(changed(5, 99), Reason.UNKNOWN_TYPE);
    refused(changed(Messages.HEADER_BYTES + 8, 2), Reason.BAD_FIELD);
    refused(changed(Messages.HEADER_BYTES, 0x80), Reason.BAD_FIELD);
    refused(new byte[Messages.MAX_BYTES + 1], Reason.TOO_LARGE);
  }

  private static byte[] changed(int index, int value) {
    byte[] bytes = Messages.encode(new HeartbeatReply(1, false, false));
    bytes[index] = (byte) value;
    return bytes;
  }

  @Test
  void countThatTheMessageDoesNotHoldIsRefusedBeforeAllocation() {
    Heartbeat heartbeat = new Heartbeat("7", 1, 1, 1, false, STATS, TileNames.NONE, TileNames.NONE);
    byte[] bytes = Messages.encode(heartbeat);
    int publishedAt = bytes.length - 2 * Integer.BYTES;
    ByteBuffer.wrap(bytes).putInt(publishedAt, TileNames.MAX);
    refused(bytes, Reason.TRUNCATED);
    for (int count : new int[] {TileNames.MAX + 1, Integer.MAX_VALUE, -1}) {
      ByteBuffer.wrap(bytes).putInt(publishedAt, count);
      refused(bytes, Reason.BAD_FIELD);
    }
  }

  @Test
  void fullestHeartbeatFits() {
    TileNames most = TileNames.of(new long[TileNames.MAX]);
    Heartbeat heartbeat =
        new Heartbeat("x".repeat(Fields.MAX_NAME_CHARS), 1, 1, 1, false, STATS, most, most);
    byte[] bytes = Messages.encode(heartbeat);
    assertThat(bytes.length).isLessThanOrEqualTo(Messages.MAX_BYTES);
    assertThat(Messages.decode(bytes)).isEqualTo(heartbeat);
    assertThatThrownBy(() -> TileNames.of(new long[TileNames.MAX + 1]))
        .hasMessage("16385 tile names; allowed are 16384");
  }

  @Test
  void longTextsAreCutAndNamesRefused() {
    assertThat(new InitFailure("1", "h", "x".repeat(10_000)).message())
        .hasSize(Fields.MAX_TEXT_CHARS);
    assertThatThrownBy(() -> new Register("", "h", 1, 0)).hasMessageContaining("executorId");
    assertThatThrownBy(() -> new Register("1", "h".repeat(256), 1, 0))
        .hasMessage("host has 256 characters; allowed are 1 to 255");
  }

  @Test
  void garbageThrowsTheOneExceptionOnly() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = i % 2 == 0 ? noise(random) : damaged(random);
      try {
        Message message = Messages.decode(bytes);
        // What is believed must be what these bytes say.
        assertThat(Messages.decode(Messages.encode(message))).isEqualTo(message);
      } catch (MessageException e) {
        assertThat(e.reason()).isNotNull();
      } catch (RuntimeException e) {
        fail("seed " + seed + ", message " + i + ": " + Arrays.toString(bytes), e);
      }
    }
  }

  private static byte[] noise(Random random) {
    byte[] bytes = new byte[Messages.HEADER_BYTES + random.nextInt(200)];
    random.nextBytes(bytes);
    ByteBuffer.wrap(bytes)
        .putInt(Messages.MAGIC)
        .put(Messages.VERSION)
        .put((byte) (1 + random.nextInt(7)))
        .putInt(bytes.length - Messages.HEADER_BYTES);
    return bytes;
  }

  private static byte[] damaged(Random random) {
    byte[] bytes = Messages.encode(ONE_OF_EACH.get(random.nextInt(ONE_OF_EACH.size())));
    for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
      bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return bytes;
  }

  private static void refused(byte[] bytes, Reason reason) {
    assertThatThrownBy(() -> Messages.decode(bytes))
        .isInstanceOfSatisfying(
            MessageException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }
}
