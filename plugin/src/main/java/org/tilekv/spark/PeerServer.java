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
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.apache.spark.network.client.RpcResponseCallback;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.cache.TileCache;
import org.tilekv.prefix.ChainHash;
import org.tilekv.spark.PeerWire.Fetch;
import org.tilekv.spark.PeerWire.FormatException;
import org.tilekv.spark.PeerWire.Push;
import org.tilekv.spark.PeerWire.Status;

/**
 * Answers other executors: reads tiles for them and takes those that they hand over. Works on
 * threads of its own, on so many bytes at a time; what is more is answered with {@link
 * Status#BUSY}.
 */
final class PeerServer implements ExecutorTransport.Answerer {

  /** Channel of the {@link ExecutorTransport}. */
  static final byte CHANNEL = 2;

  private static final Logger LOG = LoggerFactory.getLogger(PeerServer.class);

  private final Function<String, @Nullable TileCache> caches;
  private final HandedTiles handed;
  private final Executor threads;
  private final long maxBytes;
  private final PeerCounters counters;
  private final AtomicLong bytesInWork = new AtomicLong();

  /**
   * @param caches the open cache of a namespace, or null
   * @param threads may refuse work
   * @param maxBytes of requests and answers in work
   */
  PeerServer(
      Function<String, @Nullable TileCache> caches,
      HandedTiles handed,
      Executor threads,
      long maxBytes,
      PeerCounters counters) {
    this.caches = caches;
    this.handed = handed;
    this.threads = threads;
    this.maxBytes = maxBytes;
    this.counters = counters;
  }

  @Override
  public void answer(ByteBuffer message, RpcResponseCallback reply) {
    long bytes = message.remaining() + (long) PeerWire.TILE_BYTES_PER_MESSAGE;
    if (!enter(bytes, bytes)) {
      reply.onSuccess(PeerWire.reply(Status.BUSY, 0));
      return;
    }
    try {
      ByteBuffer copy = ByteBuffer.allocate(message.remaining()).put(message).flip();
      threads.execute(() -> work(copy, bytes, reply));
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      bytesInWork.addAndGet(-bytes);
      reply.onSuccess(PeerWire.reply(Status.BUSY, 0));
    } catch (Throwable e) {
      bytesInWork.addAndGet(-bytes);
      throw e;
    }
  }

  /**
   * Counts bytes into what is in work, unless that would be too many.
   *
   * @param ofRequest bytes of the whole request, which may be above the limit where it is alone
   */
  private boolean enter(long bytes, long ofRequest) {
    boolean fits = bytesInWork.addAndGet(bytes) <= Math.max(maxBytes, ofRequest);
    if (!fits) {
      bytesInWork.addAndGet(-bytes);
    }
    return fits;
  }

  private void work(ByteBuffer message, long bytes, RpcResponseCallback reply) {
    ByteBuffer answer;
    try {
      answer = answer(message, bytes);
    } catch (FormatException e) {
      LOG.warn("another executor sent what is no request: {}", e.getMessage());
      answer = PeerWire.reply(Status.MALFORMED, 0);
    } catch (RuntimeException | OutOfMemoryError e) {
      LOG.debug("a request of another executor failed", e);
      answer = PeerWire.reply(Status.REFUSED, 0);
    } finally {
      bytesInWork.addAndGet(-bytes);
    }
    reply.onSuccess(answer);
  }

  /** Answers a request behind its channel. */
  ByteBuffer answer(ByteBuffer message) throws FormatException {
    return answer(message, 0);
  }

  /**
   * As the other one.
   *
   * @param counted bytes in work that stand for this request
   */
  private ByteBuffer answer(ByteBuffer message, long counted) throws FormatException {
    Record request = PeerWire.readRequest(message);
    if (request instanceof Fetch fetch) {
      TileCache cache = caches.apply(fetch.namespace());
      return cache == null ? PeerWire.reply(Status.NO_MODEL, 0) : serve(cache, fetch, counted);
    }
    Push push = (Push) request;
    TileCache cache = caches.apply(push.namespace());
    return cache == null ? PeerWire.reply(Status.NO_MODEL, 0) : handed.take(cache, push);
  }

  /** One tile may be more than messages are counted for. */
  private ByteBuffer serve(TileCache cache, Fetch fetch, long counted) {
    long more = Math.max(0, cache.groupBytes() - PeerWire.TILE_BYTES_PER_MESSAGE);
    if (!enter(more, counted + more)) {
      return PeerWire.reply(Status.BUSY, 0);
    }
    try {
      return serve(cache, fetch);
    } finally {
      bytesInWork.addAndGet(-more);
    }
  }

  /** The leading tiles that are resident, as many as the bytes allow; one at least. */
  private ByteBuffer serve(TileCache cache, Fetch fetch) {
    int allowed = Math.min(fetch.maxBytes(), PeerWire.TILE_BYTES_PER_MESSAGE);
    int most = Math.min(fetch.names().size(), Math.max(1, allowed / cache.groupBytes()));
    int tileTokens = cache.geometry().tileTokens();
    var out = new PeerWire.TilesWriter(most, tileTokens, cache.groupBytes());
    for (ChainHash name : fetch.names().subList(0, most)) {
      if (!out.add(tileTokens, dst -> cache.read(name, dst))) {
        break;
      }
    }
    counters.servedTiles.add(out.tiles());
    counters.servedBytes.add((long) out.tiles() * cache.groupBytes());
    return out.finish();
  }
}
