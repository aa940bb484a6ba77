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

import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import org.tilekv.engine.CellException;
import org.tilekv.engine.CellLink;

/** One member of a cell as others reach it. */
final class CellEndpoint implements AutoCloseable {

  private final ExecutorTransport transport;
  private final long id;
  private final int rank;
  private final List<CellInbox> inboxes;
  private final Runnable whenClosed;

  CellEndpoint(ExecutorTransport transport, long id, int rank, int size, Runnable whenClosed) {
    this.transport = transport;
    this.id = id;
    this.rank = rank;
    this.inboxes = IntStream.range(0, size).mapToObj(from -> new CellInbox()).toList();
    this.whenClosed = whenClosed;
  }

  String host() {
    return transport.host();
  }

  int port() {
    return transport.port();
  }

  long id() {
    return id;
  }

  int size() {
    return inboxes.size();
  }

  CellInbox inbox(int from) {
    return inboxes.get(from);
  }

  void lost(int from) {
    inbox(from).end("member " + from + " of the cell is gone: its connection has closed");
  }

  /**
   * Connects to the other members.
   *
   * @param members of the cell, by rank
   * @param limitMs longest wait for a message that is due
   * @throws CellException naming the member that cannot be reached
   */
  CellLink connect(List<CellMember> members, long limitMs) throws InterruptedException {
    TransportLink link = new TransportLink(this, rank, limitMs);
    try {
      for (int to = 0; to < members.size(); to++) {
        if (to != rank) {
          link.add(to, connect(to, members.get(to)));
        }
      }
      return link;
    } catch (RuntimeException | InterruptedException e) {
      link.close();
      throw e;
    }
  }

  private TransportLink.Connection connect(int to, CellMember member) throws InterruptedException {
    try {
      TransportLink.Connection connection =
          new TransportLink.Connection(transport.connect(member.host(), member.port()), member);
      connection.send(CellExchange.greeting(member.endpoint(), rank));
      return connection;
    } catch (IOException e) {
      throw new CellException("member " + to + " of the cell, " + member + ", is not reached", e);
    }
  }

  /** Nobody is heard any more. */
  @Override
  public void close() {
    whenClosed.run();
    inboxes.forEach(inbox -> inbox.end("this member has left the cell"));
  }
}
