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

import io.netty.channel.Channel;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The members of cells that live in this process. A connection begins with the number of the member
 * that it is for and the rank of the one that it comes from; what follows goes into that inbox.
 */
final class CellExchange implements ExecutorTransport.Receiver {

  static final byte CHANNEL = 1;

  private static final int GREETING_BYTES = Long.BYTES + Integer.BYTES;

  private static final Logger LOG = LoggerFactory.getLogger(CellExchange.class);

  private final ExecutorTransport transport;
  private final Map<Long, CellEndpoint> endpoints = new ConcurrentHashMap<>();
  private final Map<Channel, Sender> senders = new ConcurrentHashMap<>();

  private record Sender(CellEndpoint endpoint, int rank) {}

  CellExchange(ExecutorTransport transport) {
    this.transport = transport;
    transport.register(CHANNEL, this);
  }

  /** A member that others can reach from now on, until it is closed. */
  CellEndpoint open(int rank, int size) {
    long id = ThreadLocalRandom.current().nextLong();
    CellEndpoint endpoint = new CellEndpoint(transport, id, rank, size, () -> endpoints.remove(id));
    endpoints.put(id, endpoint);
    return endpoint;
  }

  /** The first message of a connection. */
  static ByteBuffer greeting(long endpoint, int rank) {
    return ByteBuffer.allocate(GREETING_BYTES).putLong(endpoint).putInt(rank).flip();
  }

  @Override
  public void receive(Channel from, ByteBuffer message) {
    Sender sender = senders.get(from);
    if (sender != null) {
      sender.endpoint.inbox(sender.rank).put(message);
      return;
    }
    if (message.remaining() != GREETING_BYTES) {
      LOG.warn(
          "closed a connection that began with {} bytes; a member's first message has {}",
          message.remaining(),
          GREETING_BYTES);
      var unused = from.close();
      return;
    }
    long id = message.getLong();
    int rank = message.getInt();
    CellEndpoint endpoint = endpoints.get(id);
    if (endpoint == null || rank < 0 || rank >= endpoint.size()) {
      LOG.info("closed a connection of member {} to a cell that has ended", rank);
      var unused = from.close();
      return;
    }
    senders.put(from, new Sender(endpoint, rank));
  }

  @Override
  public void disconnected(Channel from) {
    Sender sender = senders.remove(from);
    if (sender != null) {
      sender.endpoint.lost(sender.rank);
    }
  }
}
