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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Links between threads of one process. */
final class QueueLink implements CellLink {

  private static final byte[] GONE = {};
  private static final long LIMIT_MS = 20_000;

  private final int rank;
  private final List<BlockingQueue<byte[]>> queues;
  private final int size;
  private final AtomicLong sent = new AtomicLong();
  private volatile boolean closed;

  private QueueLink(int rank, int size, List<BlockingQueue<byte[]>> queues) {
    this.rank = rank;
    this.size = size;
    this.queues = queues;
  }

  /** The links of a cell's members, by rank. */
  static List<QueueLink> cell(int size) {
    List<BlockingQueue<byte[]>> queues = new ArrayList<>();
    for (int i = 0; i < size * size; i++) {
      queues.add(new LinkedBlockingQueue<>());
    }
    List<QueueLink> links = new ArrayList<>();
    for (int rank = 0; rank < size; rank++) {
      links.add(new QueueLink(rank, size, queues));
    }
    return links;
  }

  private BlockingQueue<byte[]> queue(int from, int to) {
    return queues.get(from * size + to);
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public void send(int to, ByteBuffer message) {
    if (closed) {
      throw new CellException("the link of member " + rank + " is closed");
    }
    byte[] bytes = new byte[message.remaining()];
    message.get(bytes);
    sent.addAndGet(bytes.length);
    queue(rank, to).add(bytes);
  }

  @Override
  public @Nullable ByteBuffer poll(int from, long waitMs) {
    try {
      byte[] bytes = closed ? GONE : queue(from, rank).poll(waitMs, TimeUnit.MILLISECONDS);
      if (bytes == GONE) {
        throw new CellException("member " + from + " is gone");
      }
      return bytes == null ? null : ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    } catch (InterruptedException e) {
      throw new CellException("interrupted", e);
    }
  }

  @Override
  public ByteBuffer receive(int from) {
    ByteBuffer received = poll(from, LIMIT_MS);
    if (received == null) {
      throw new CellException("member " + from + " is late");
    }
    return received;
  }

  @Override
  public long bytesSent() {
    return sent.get();
  }

  @Override
  public void close() {
    closed = true;
    for (int other = 0; other < size; other++) {
      queue(rank, other).add(GONE);
      queue(other, rank).add(GONE);
    }
  }
}
