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

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.network.client.TransportClient;
import org.jspecify.annotations.Nullable;
import org.tilekv.engine.CellException;
import org.tilekv.engine.CellLink;

/** A member's connections over {@link ExecutorTransport}: one to each other member. */
final class TransportLink implements CellLink {

  private final CellEndpoint endpoint;
  private final int rank;
  private final long limitMs;
  private final @Nullable Connection[] connections;
  private final AtomicLong bytesSent = new AtomicLong();

  TransportLink(CellEndpoint endpoint, int rank, long limitMs) {
    this.endpoint = endpoint;
    this.rank = rank;
    this.limitMs = limitMs;
    this.connections = new Connection[endpoint.size()];
  }

  /** To one member; closed with the link. */
  record Connection(TransportClient client, CellMember member) {

    void send(ByteBuffer message) {
      if (!client.isActive()) {
        throw new CellException("member " + member + " of the cell is gone");
      }
      ExecutorTransport.send(client, CellExchange.CHANNEL, message);
    }
  }

  void add(int to, Connection connection) {
    connections[to] = connection;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return connections.length;
  }

  @Override
  public void send(int to, ByteBuffer message) {
    Connection connection = connections[to];
    if (connection == null) {
      throw new IllegalArgumentException("member " + rank + " has no connection to " + to);
    }
    bytesSent.addAndGet(1L + message.remaining());
    connection.send(message);
  }

  @Override
  public @Nullable ByteBuffer poll(int from, long waitMs) {
    return endpoint.inbox(from).poll(waitMs);
  }

  @Override
  public ByteBuffer receive(int from) {
    ByteBuffer message = poll(from, limitMs);
    if (message == null) {
      throw new CellException(
          "member "
              + from
              + " of the cell has sent nothing for "
              + limitMs
              + " ms, the limit of spark.tilekv.headShards.timeout");
    }
    return message;
  }

  @Override
  public long bytesSent() {
    return bytesSent.get();
  }

  @Override
  public void close() {
    endpoint.close();
    for (Connection connection : connections) {
      if (connection != null) {
        connection.client().close();
      }
    }
  }
}
