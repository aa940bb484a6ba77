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

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.SecurityManager;
import org.apache.spark.SparkConf;
import org.apache.spark.network.TransportContext;
import org.apache.spark.network.buffer.NettyManagedBuffer;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.apache.spark.network.client.TransportClientBootstrap;
import org.apache.spark.network.client.TransportClientFactory;
import org.apache.spark.network.crypto.AuthClientBootstrap;
import org.apache.spark.network.crypto.AuthServerBootstrap;
import org.apache.spark.network.netty.SparkTransportConf;
import org.apache.spark.network.protocol.OneWayMessage;
import org.apache.spark.network.server.OneForOneStreamManager;
import org.apache.spark.network.server.RpcHandler;
import org.apache.spark.network.server.StreamManager;
import org.apache.spark.network.server.TransportServer;
import org.apache.spark.network.server.TransportServerBootstrap;
import org.apache.spark.network.util.TransportConf;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Messages between executors over Spark's own network layer, with the application's authentication
 * and encryption. One server per process. The first byte of a message is its channel, by which it
 * finds its {@link Receiver}, or its {@link Answerer} where the sender waits for an answer.
 * Thread-safe.
 */
final class ExecutorTransport implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ExecutorTransport.class);
  private static final String MODULE = "tilekv";
  private static final int THREADS = 2;

  private final TransportContext context;
  private final TransportServer server;
  private final TransportClientFactory clients;
  private final String host;
  private final Map<Byte, Receiver> receivers = new ConcurrentHashMap<>();
  private final Map<Byte, Answerer> answerers = new ConcurrentHashMap<>();

  /** What takes the messages of a channel; called by network threads, which it must not hold up. */
  interface Receiver {

    /**
     * A message without an answer, position behind the channel; valid during the call.
     *
     * @param from identifies the connection
     */
    void receive(Channel from, ByteBuffer message);

    /** A connection has closed, whether it ever brought a message or not. */
    void disconnected(Channel from);
  }

  /** What answers the messages of a channel. */
  interface Answerer {

    /**
     * Takes a message; called by network threads, which it must not hold up.
     *
     * @param message position behind the channel; valid during the call
     * @param reply to be answered once, now or later, by any thread
     */
    void answer(ByteBuffer message, RpcResponseCallback reply);
  }

  private ExecutorTransport(
      TransportConf conf,
      String host,
      Listen listen,
      List<TransportServerBootstrap> onServer,
      List<TransportClientBootstrap> onClients)
      throws IOException {
    this.host = host;
    // Idle connections stay: a cell may have no rows for long.
    context = new TransportContext(conf, new Dispatcher(), false);
    try {
      server = listen(context, listen, onServer);
      clients = context.createClientFactory(onClients);
    } catch (Throwable e) {
      context.close();
      throw e;
    }
    LOG.info("TileKV listens to other executors at {}:{}", host, server.getPort());
  }

  /** Where the server listens: at a port, or one of the next; 0 is any. */
  private record Listen(String address, int port, int retries) {}

  private static TransportServer listen(
      TransportContext context, Listen at, List<TransportServerBootstrap> bootstraps)
      throws IOException {
    for (int i = 0; ; i++) {
      int port = at.port() == 0 ? 0 : at.port() + i;
      try {
        return context.createServer(at.address(), port, bootstraps);
      } catch (Exception e) {
        // Netty throws checked exceptions that nobody declares.
        if (port == 0 || i == at.retries() || port == 65_535) {
          throw new IOException("cannot listen on " + at.address() + ":" + port + ": " + e, e);
        }
      }
    }
  }

  /**
   * Starts the server of this process, once Spark's environment is complete.
   *
   * @param host where other executors reach this one
   * @param port where to listen; where it is taken, one of those behind it; 0 for any
   */
  static ExecutorTransport start(SparkConf conf, SecurityManager security, String host, int port)
      throws IOException {
    TransportConf transport =
        SparkTransportConf.fromSparkConf(
            conf,
            MODULE,
            THREADS,
            scala.Option.empty(),
            scala.Option.apply(security.getRpcSSLOptions()));
    String bindAddress = conf.get("spark.executor.bindAddress", host);
    Listen listen = new Listen(bindAddress, port, conf.getInt("spark.port.maxRetries", 16));
    return security.isAuthenticationEnabled()
        ? new ExecutorTransport(
            transport,
            host,
            listen,
            List.of(new AuthServerBootstrap(transport, security)),
            List.of(new AuthClientBootstrap(transport, conf.getAppId(), security)))
        : new ExecutorTransport(transport, host, listen, List.of(), List.of());
  }

  /** Sends the messages of a channel there from now on. */
  void register(byte channel, Receiver receiver) {
    if (receivers.putIfAbsent(channel, receiver) != null) {
      throw new IllegalStateException("channel " + channel + " has a receiver");
    }
  }

  /** Has the messages of a channel answered from now on. */
  void register(byte channel, Answerer answerer) {
    if (answerers.putIfAbsent(channel, answerer) != null) {
      throw new IllegalStateException("channel " + channel + " has an answerer");
    }
  }

  String host() {
    return host;
  }

  int port() {
    return server.getPort();
  }

  /** A connection of its own to another executor; to be closed by the caller. */
  TransportClient connect(String otherHost, int port) throws IOException, InterruptedException {
    return clients.createUnmanagedClient(otherHost, port);
  }

  /** A connection to another executor that is kept and shared; not to be closed by the caller. */
  TransportClient share(String otherHost, int port) throws IOException, InterruptedException {
    return clients.createClient(otherHost, port);
  }

  /**
   * Sends what stands between position and limit; copies it, so that the caller may use it again. A
   * write that fails closes the connection: what comes after it would be out of order.
   */
  static void send(TransportClient to, byte channel, ByteBuffer message) {
    ByteBuf bytes = to.getChannel().alloc().directBuffer(1 + message.remaining());
    bytes.writeByte(channel).writeBytes(message);
    var unused =
        to.getChannel()
            .writeAndFlush(new OneWayMessage(new NettyManagedBuffer(bytes)))
            .addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
  }

  /** Ends all connections. */
  @Override
  public void close() {
    clients.close();
    server.close();
    context.close();
  }

  private final class Dispatcher extends RpcHandler {
    private final StreamManager streams = new OneForOneStreamManager();

    @Override
    public void receive(TransportClient client, ByteBuffer message) {
      Receiver receiver = message.hasRemaining() ? receivers.get(message.get()) : null;
      if (receiver == null) {
        LOG.warn("dropped a message from {} that names no channel known here", client);
      } else {
        receiver.receive(client.getChannel(), message);
      }
    }

    @Override
    public void receive(TransportClient client, ByteBuffer message, RpcResponseCallback callback) {
      Answerer answerer = message.hasRemaining() ? answerers.get(message.get()) : null;
      if (answerer == null) {
        callback.onFailure(new IllegalArgumentException("the message names no channel known here"));
      } else {
        answerer.answer(message, callback);
      }
    }

    @Override
    public StreamManager getStreamManager() {
      return streams;
    }

    @Override
    public void channelInactive(TransportClient client) {
      receivers.values().forEach(receiver -> receiver.disconnected(client.getChannel()));
    }
  }
}
