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

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.netty.SparkTransportConf;
import org.apache.spark.network.server.NoOpRpcHandler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.coordinator.Peer;
import scala.Option;

/** Two transports in this process. */
@Timeout(60)
class ExecutorTransportTest {

  private static final String HOST = "127.0.0.1";
  private static final long TIMEOUT_MS = 20_000;

  private final AtomicInteger messages = new AtomicInteger();

  private static SparkConf conf(String how) {
    SparkConf conf = new SparkConf(false).set("spark.app.id", "app");
    if (!how.equals("plain")) {
      conf.set("spark.authenticate", "true").set("spark.authenticate.secret", "s3cret");
    }
    if (how.equals("encrypted")) {
      conf.set("spark.network.crypto.enabled", "true");
    }
    return conf;
  }

  private static SecurityManager security(SparkConf conf) {
    return new SecurityManager(
        conf, Option.empty(), org.apache.spark.internal.config.package$.MODULE$.AUTH_SECRET_FILE());
  }

  private static ExecutorTransport start(SparkConf conf, int port) throws IOException {
    return ExecutorTransport.start(conf, security(conf), HOST, port);
  }

  /** A server that sends back what it gets. */
  private ExecutorTransport echo(SparkConf conf, int port) throws IOException {
    ExecutorTransport transport = start(conf, port);
    transport.register(
        PeerServer.CHANNEL,
        (message, reply) -> {
          messages.incrementAndGet();
          byte[] copy = new byte[message.remaining()];
          message.get(copy);
          DaemonThread.start("echo", () -> reply.onSuccess(ByteBuffer.wrap(copy)));
        });
    return transport;
  }

  private static ByteBuffer message(int bytes) {
    return ByteBuffer.allocate(1 + bytes).put(0, PeerServer.CHANNEL);
  }

  private static Peer peer(ExecutorTransport transport) {
    return new Peer("1", HOST, transport.port());
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "authenticated", "encrypted"})
  void messagesGoThereAndBack(String how) throws Exception {
    try (ExecutorTransport server = echo(conf(how), 0);
        ExecutorTransport client = start(conf(how), 0)) {
      PeerLink link = new TransportPeerLink(client, TIMEOUT_MS);
      for (int bytes : new int[] {1, 5_000_000, 3}) {
        ByteBuffer message = message(bytes).put(bytes, (byte) 77);
        ByteBuffer answer = link.ask(peer(server), message);
        assertThat(answer.remaining()).isEqualTo(bytes);
        assertThat(answer.get(bytes - 1)).isEqualTo((byte) 77);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"authenticated", "encrypted"})
  void aWrongSecretIsRefused(String how) throws Exception {
    SparkConf wrong = conf(how).set("spark.authenticate.secret", "other");
    try (ExecutorTransport server = echo(conf(how), 0);
        ExecutorTransport client = start(wrong, 0)) {
      PeerLink link = new TransportPeerLink(client, TIMEOUT_MS);
      assertThatThrownBy(() -> link.ask(peer(server), message(3)))
          .isInstanceOfAny(IOException.class, RuntimeException.class);
      assertThat(messages.get()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"authenticated", "encrypted"})
  void aProcessWithoutTheSecretIsRefused(String how) throws Exception {
    try (ExecutorTransport server = echo(conf(how), 0);
        ExecutorTransport client = start(conf("plain"), 0)) {
      PeerLink link = new TransportPeerLink(client, TIMEOUT_MS);
      assertThatThrownBy(() -> link.ask(peer(server), message(3))).isInstanceOf(IOException.class);
      assertThat(messages.get()).isZero();
    }
  }

  /** Whoever may speak Spark's protocol without our classes gets no further. */
  @Test
  void rawMessagesWithoutAuthenticationReachNobody() throws Exception {
    try (ExecutorTransport server = echo(conf("encrypted"), 0);
        TransportContext raw =
            new TransportContext(
                SparkTransportConf.fromSparkConf(
                    conf("plain"), "raw", 1, Option.empty(), Option.empty()),
                new NoOpRpcHandler())) {
      TransportClient client = raw.createClientFactory(List.of()).createClient(HOST, server.port());
      assertThatThrownBy(() -> client.sendRpcSync(message(100), TIMEOUT_MS))
          .isInstanceOf(RuntimeException.class);
      assertThat(messages.get()).isZero();
    }
  }

  @Test
  void whoIsNotThereOrDoesNotAnswerInTimeIsAnIoException() throws Exception {
    try (ExecutorTransport silent = start(conf("plain"), 0);
        ExecutorTransport client = start(conf("plain"), 0)) {
      silent.register(PeerServer.CHANNEL, (message, reply) -> {});
      PeerLink link = new TransportPeerLink(client, 100);
      assertThatThrownBy(() -> link.ask(peer(silent), message(1)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no answer within 100 ms");
      Peer nobody = new Peer("9", HOST, freePort());
      assertThatThrownBy(() -> link.ask(nobody, message(1))).isInstanceOf(IOException.class);
      ByteBuffer other = ByteBuffer.wrap(new byte[] {99});
      assertThatThrownBy(() -> link.ask(peer(silent), other))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("names no channel known here");
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Test
  void aTakenPortGivesWayToTheNext() throws Exception {
    int port = freePort();
    try (ExecutorTransport first = echo(conf("plain"), port);
        ExecutorTransport second = echo(conf("plain"), port)) {
      assertThat(first.port()).isEqualTo(port);
      assertThat(second.port()).isGreaterThan(port);
    }
    SparkConf none = conf("plain").set("spark.port.maxRetries", "0");
    try (ExecutorTransport first = echo(none, port)) {
      assertThatThrownBy(() -> start(none, port))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(HOST + ":" + first.port());
    }
  }
}
