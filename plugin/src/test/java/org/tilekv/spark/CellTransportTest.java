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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportResponseHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.engine.CellException;
import org.tilekv.engine.CellLink;

/** Members that talk over real connections, two of them in one process. */
@Timeout(60)
class CellTransportTest {

  private static final String LOCALHOST = "127.0.0.1";
  private static final long LIMIT_MS = 20_000;

  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (int i = opened.size() - 1; i >= 0; i--) {
      opened.get(i).close();
    }
  }

  private ExecutorTransport transport(String secret) throws Exception {
    SparkConf conf =
        new SparkConf(false)
            .set("spark.app.id", "app")
            .set("spark.authenticate", "true")
            .set("spark.authenticate.secret", secret)
            .set("spark.network.crypto.enabled", "true");
    SecurityManager security =
        new SecurityManager(
            conf,
            scala.Option.empty(),
            org.apache.spark.internal.config.package$.MODULE$.AUTH_SECRET_FILE());
    ExecutorTransport transport = ExecutorTransport.start(conf, security, LOCALHOST, 0);
    opened.add(transport);
    return transport;
  }

  /** Links of a cell whose members live in these processes. */
  private List<CellLink> links(long limitMs, CellExchange... processes) throws Exception {
    List<CellEndpoint> endpoints = new ArrayList<>();
    List<CellMember> members = new ArrayList<>();
    for (int rank = 0; rank < processes.length; rank++) {
      CellEndpoint endpoint = processes[rank].open(rank, processes.length);
      endpoints.add(endpoint);
      CellMember member =
          new CellMember("e", endpoint.host(), endpoint.port(), endpoint.id(), 1 << 20);
      members.add(CellMember.parse(member.toText()));
    }
    List<CellLink> links = new ArrayList<>();
    for (CellEndpoint endpoint : endpoints) {
      CellLink link = endpoint.connect(members, limitMs);
      links.add(link);
      opened.add(link);
    }
    return links;
  }

  private static ByteBuffer message(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void messagesOfAllSizesComeInOrderFromEachMember() throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    CellExchange one = new CellExchange(transport("secret"));
    CellExchange two = new CellExchange(transport("secret"));
    List<CellLink> links = links(LIMIT_MS, one, two, one);
    for (int size : new int[] {0, 1, 4096, 5000, 300_000}) {
      byte[] bytes = new byte[size];
      random.nextBytes(bytes);
      for (int from = 0; from < 3; from++) {
        for (int to = 0; to < 3; to++) {
          if (from != to) {
            links.get(from).send(to, message(bytes));
            links.get(from).send(to, message(new byte[] {(byte) from}));
            assertThat(links.get(to).receive(from).mismatch(message(bytes)))
                .as("seed %d, size %d", seed, size)
                .isEqualTo(-1);
            assertThat(links.get(to).receive(from).get()).isEqualTo((byte) from);
          }
        }
      }
    }
    assertThat(links.get(0).bytesSent()).isEqualTo(2 * (5L * 3 + 1 + 4096 + 5000 + 300_000));
    assertThat(links.get(1).poll(0, 1)).isNull();
  }

  @Test
  void aMemberThatLeavesIsSeenAtOnceBehindWhatItHasSent() throws Exception {
    CellExchange one = new CellExchange(transport("secret"));
    ExecutorTransport other = transport("secret");
    List<CellLink> links = links(LIMIT_MS, one, new CellExchange(other));
    links.get(1).send(0, message(new byte[] {7}));
    assertThat(links.get(0).receive(1).get()).isEqualTo((byte) 7);
    links.get(1).close();
    assertThatThrownBy(() -> links.get(0).receive(1))
        .isInstanceOf(CellException.class)
        .hasMessageContaining("member 1 of the cell is gone");
    assertThatThrownBy(() -> links.get(1).receive(0)).hasMessageContaining("has left");
  }

  @Test
  void aSilentMemberIsLateAfterTheLimit() throws Exception {
    CellExchange one = new CellExchange(transport("secret"));
    List<CellLink> links = links(50, one, one);
    assertThatThrownBy(() -> links.get(0).receive(1))
        .isInstanceOf(CellException.class)
        .hasMessageContaining("nothing for 50 ms, the limit of spark.tilekv.headShards.timeout");
  }

  @Test
  void anotherSecretIsRefused() throws Exception {
    ExecutorTransport server = transport("secret");
    CellExchange right = new CellExchange(server);
    CellEndpoint endpoint = right.open(0, 2);
    CellEndpoint intruder = new CellExchange(transport("another")).open(1, 2);
    CellMember member = new CellMember("e", LOCALHOST, server.port(), endpoint.id(), 1);
    assertThatThrownBy(() -> intruder.connect(List.of(member, member), LIMIT_MS))
        .isInstanceOf(RuntimeException.class);
    assertThat(endpoint.inbox(1).poll(10)).isNull();
  }

  @Test
  void aGreetingOfTheWrongLengthClosesTheConnection() throws Exception {
    CellExchange exchange = new CellExchange(transport("secret"));
    for (int bytes : new int[] {0, 3, 11, 13}) {
      EmbeddedChannel channel = new EmbeddedChannel();
      exchange.receive(channel, ByteBuffer.allocate(bytes));
      assertThat(channel.isOpen()).as("%d bytes", bytes).isFalse();
    }
  }

  @Test
  void aWriteThatFailsClosesTheConnection() {
    EmbeddedChannel channel =
        new EmbeddedChannel(
            new ChannelOutboundHandlerAdapter() {
              @Override
              public void write(ChannelHandlerContext to, Object message, ChannelPromise promise) {
                ReferenceCountUtil.release(message);
                promise.setFailure(new IOException("no room"));
              }
            });
    TransportClient client = new TransportClient(channel, new TransportResponseHandler(channel));
    ExecutorTransport.send(client, CellExchange.CHANNEL, message(new byte[] {1}));
    assertThat(channel.isOpen()).isFalse();
  }

  @Test
  void aCellThatHasEndedClosesConnections() throws Exception {
    CellExchange one = new CellExchange(transport("secret"));
    CellEndpoint endpoint = one.open(0, 2);
    CellMember gone = new CellMember("e", LOCALHOST, endpoint.port(), endpoint.id(), 1);
    endpoint.close();
    CellEndpoint other = one.open(1, 2);
    CellMember self = new CellMember("e", LOCALHOST, other.port(), other.id(), 1);
    CellLink link = other.connect(List.of(gone, self), LIMIT_MS);
    opened.add(link);
    assertThatThrownBy(
            () -> {
              while (true) {
                link.send(0, message(new byte[] {1}));
                Thread.onSpinWait();
              }
            })
        .isInstanceOf(CellException.class)
        .hasMessageContaining("is gone");
  }
}
