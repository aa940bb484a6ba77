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
package org.tilekv.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.tilekv.llm.AllReduce;

/**
 * Sums over the links of a cell. Short vectors go to everybody at once, one exchange; of long ones
 * each member sums a slice and sends it to the others: two exchanges, but fewer bytes. Parts are
 * added in the order of the ranks in both cases, so that the bits are the same.
 */
final class CellAllReduce implements AllReduce {

  /** From here on bytes cost more than one more exchange does. */
  static final int LONG_ELEMENTS = 1 << 14;

  private volatile @Nullable CellLink link;
  private ByteBuffer message = buffer(0);
  private float[] sum = {};
  private float[] part = {};

  private static ByteBuffer buffer(int elements) {
    return ByteBuffer.allocate(elements * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Sums over this link from now on; over none with null. */
  void attach(@Nullable CellLink newLink) {
    link = newLink;
  }

  @Override
  public void sum(float[] values, int from, int length) {
    CellLink members = link;
    if (members == null) {
      throw new CellException("the members of this cell are not connected");
    }
    grow(length);
    if (members.size() > 2 && length >= LONG_ELEMENTS) {
      sumSlices(members, values, from, length);
    } else {
      sendAll(members, values, from, length);
      sumParts(members, values, from, length, values, from);
    }
  }

  private void grow(int length) {
    if (sum.length < length) {
      sum = new float[length];
      part = new float[length];
      message = buffer(length);
    }
  }

  private void sendAll(CellLink members, float[] values, int from, int length) {
    fill(values, from, length);
    for (int to = 0; to < members.size(); to++) {
      if (to != members.rank()) {
        members.send(to, message.rewind());
      }
    }
  }

  private void fill(float[] values, int from, int length) {
    message.clear();
    message.asFloatBuffer().put(values, from, length);
    message.limit(length * Float.BYTES);
  }

  /** Adds this member's part and those that the others sent, in the order of the ranks. */
  private void sumParts(
      CellLink members, float[] own, int from, int length, float[] target, int to) {
    for (int member = 0; member < members.size(); member++) {
      if (member == members.rank()) {
        add(member, own, from, length);
      } else {
        receive(members, member, part, 0, length);
        add(member, part, 0, length);
      }
    }
    System.arraycopy(sum, 0, target, to, length);
  }

  private void add(int member, float[] values, int from, int length) {
    if (member == 0) {
      System.arraycopy(values, from, sum, 0, length);
      return;
    }
    for (int i = 0; i < length; i++) {
      sum[i] += values[from + i];
    }
  }

  private static void receive(CellLink members, int from, float[] target, int to, int length) {
    ByteBuffer received = members.receive(from);
    if (received.remaining() != length * Float.BYTES) {
      throw new CellException(
          "member %d sent %d bytes where member %d expects a part of %d"
              .formatted(from, received.remaining(), members.rank(), length * Float.BYTES));
    }
    received.asFloatBuffer().get(target, to, length);
  }

  private void sumSlices(CellLink members, float[] values, int from, int length) {
    int size = members.size();
    for (int to = 0; to < size; to++) {
      if (to != members.rank()) {
        int start = bound(length, to, size);
        fill(values, from + start, bound(length, to + 1, size) - start);
        members.send(to, message);
      }
    }
    int own = bound(length, members.rank(), size);
    int count = bound(length, members.rank() + 1, size) - own;
    sumParts(members, values, from + own, count, values, from + own);
    sendAll(members, values, from + own, count);
    for (int member = 0; member < size; member++) {
      if (member != members.rank()) {
        int start = bound(length, member, size);
        int end = bound(length, member + 1, size);
        receive(members, member, values, from + start, end - start);
      }
    }
  }

  private static int bound(int length, int member, int size) {
    return (int) ((long) length * member / size);
  }
}
