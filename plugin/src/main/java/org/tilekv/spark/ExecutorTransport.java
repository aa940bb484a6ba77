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
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.crypto.AuthServerBootstrap;
import org.apache.spark.network.netty.SparkTransportConf;
import org.apache.spark.network.server.OneForOneStreamManager;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;
import org.apache.spark.network.server.TransportServer;
import org.apache.spark.network.server.TransportServerBootstrap;
import org.apache.spark.network.util.TransportConf;
import scala.Option;

/**
 * One server and the clients of one executor process, for requests of executors to each other: on
 * Spark's transport, so that its authentication, encryption and TLS settings hold here too. The
 * first byte of a message says whom it is for. Thread-safe.
 */
final class ExecutorTransport implements AutoCloseable {

  /** Channel of tile transfers. */
  static final byte TILES = 1;

  private static final String MODULE = "tilekv";

  /** Who takes the messages of one channel. */
  interface Channel {

    /**
     * Takes one message. Runs on a network thread: must not block.
     *
     * @param message what follows the channel's byte; valid during the call only
     * @param reply to be answered once, now or later, by any thread
     */
    void receive(TransportClient from, ByteBuffer message, RpcResponseCallback reply);
  }

  private final Map<Byte, Channel> channels = new ConcurrentHashMap<>();
  private final TransportContext context;
  private final TransportServer server;
  private final TransportClientFactory clients;

  private ExecutorTransport(
      SparkConf conf, SecurityManager security, String host, int port, int threads)
      throws IOException {
    TransportConf transport =
        SparkTransportConf.fromSparkConf(
            conf, MODULE, threads, Option.empty(), Option.apply(security.getRpcSSLOptions()));
    context = new TransportContext(transport, new Dispatcher(channels), true);
    try {
      boolean authenticates = security.isAuthenticationEnabled();
      List<TransportServerBootstrap> serverSide =
          authenticates ? List.of(new AuthServerBootstrap(transport, security)) : List.of();
      List<TransportClientBootstrap> clientSide =
          authenticates
              ? List.of(new AuthClientBootstrap(transport, security.getSaslUser(), security))
              : List.of();
      clients = context.createClientFactory(clientSide);
      server = listen(host, port, conf.getInt("spark.port.maxRetries", 16), serverSide);
    } catch (Throwable e) {
      context.close();
      throw e;
    }
  }

  /**
   * Begins to listen.
   *
   * @param host name of this host as others know it, to listen there alone
   * @param port 0 for any; where it is taken, one of those behind it
   * @param threads cores of the executor
   * @param timeoutMs longest time to connect, and longest silence while an answer is due, unless
   *     Spark's settings of the module say otherwise
   */
  static ExecutorTransport start(
      SparkConf conf, SecurityManager security, String host, int port, int threads, long timeoutMs)
      throws IOException {
    SparkConf own = conf.clone();
    own.setIfMissing("spark.tilekv.io.connectionTimeout", timeoutMs + "ms");
    own.setIfMissing("spark.tilekv.io.connectionCreationTimeout", timeoutMs + "ms");
    return new ExecutorTransport(own, security, host, port, threads);
  }

  private TransportServer listen(
      String host, int port, int retries, List<TransportServerBootstrap> bootstraps)
      throws IOException {
    for (int i = 0; ; i++) {
      try {
        return context.createServer(host, port == 0 ? 0 : port + i, bootstraps);
      } catch (Exception e) {
        // Netty throws checked exceptions that nobody declares.
        if (port == 0 || i == retries || port + i == 65_535) {
          throw new IOException("cannot listen on " + host + ":" + port + ": " + e, e);
        }
      }
    }
  }

  int port() {
    return server.getPort();
  }

  void open(byte channel, Channel handler) {
    channels.put(channel, handler);
  }

  /**
   * A connection to another executor, shared with others; connects where there is none. Waits for
   * that.
   */
  TransportClient connect(String host, int port) throws IOException, InterruptedException {
    return clients.createClient(host, port);
  }

  @Override
  public void close() {
    clients.close();
    server.close();
    context.close();
  }

  /** Hands messages to their channel. */
  private static final class Dispatcher extends RpcHandler {

    private final Map<Byte, Channel> channels;
    private final StreamManager streams = new OneForOneStreamManager();

    Dispatcher(Map<Byte, Channel> channels) {
      this.channels = channels;
    }

    @Override
    public void receive(TransportClient from, ByteBuffer message, RpcResponseCallback reply) {
      Channel channel = message.hasRemaining() ? channels.get(message.get()) : null;
      if (channel == null) {
        reply.onFailure(new IOException("nobody here takes this message"));
      } else {
        channel.receive(from, message, reply);
      }
    }

    @Override
    public StreamManager getStreamManager() {
      return streams;
    }
  }
}
