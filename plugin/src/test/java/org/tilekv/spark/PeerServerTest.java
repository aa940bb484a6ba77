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

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import org.apache.spark.network.client.RpcResponseCallback;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.prefix.NamedTile;
import org.tilekv.spark.PeerWire.Fetch;
import org.tilekv.spark.PeerWire.FormatException;
import org.tilekv.spark.PeerWire.ReplyReader;
import org.tilekv.spark.PeerWire.Status;

/** How much a server has in work. */
class PeerServerTest {

  private static final TileGeometry LARGE = new TileGeometry(32, 2, 512, 64, KvDtype.BFLOAT16);

  private final Random random = new Random(3);
  private final List<Runnable> tasks = new ArrayList<>();
  private final List<Status> replies = new ArrayList<>();

  private final RpcResponseCallback reply =
      new RpcResponseCallback() {
        @Override
        public void onSuccess(ByteBuffer answer) {
          try {
            replies.add(new ReplyReader(answer).status);
          } catch (FormatException e) {
            throw new AssertionError(e);
          }
        }

        @Override
        public void onFailure(Throwable failure) {
          throw new AssertionError(failure);
        }
      };

  private PeerServer server(TileCache cache, long maxBytes, Executor threads) {
    PeerCounters counters = new PeerCounters();
    HandedTiles handed = new HandedTiles(counters, () -> 0);
    return new PeerServer(namespace -> cache, handed, threads, maxBytes, counters);
  }

  private static ByteBuffer fetch(SequenceRequest request) {
    var names = PeerFixtures.tiles(request).stream().map(NamedTile::name).toList();
    ByteBuffer message = PeerWire.encode(new Fetch(PeerFixtures.NAMESPACE.hex(), 1 << 20, names));
    assertThat(message.get()).isEqualTo(PeerServer.CHANNEL);
    return message;
  }

  @Test
  void whatCannotBeTakenIsNotInWork() {
    SequenceRequest request = PeerFixtures.request(random, 2, null);
    List<Throwable> failures =
        List.of(new OutOfMemoryError("test"), new IllegalStateException("test"));
    List<Throwable> left = new ArrayList<>(failures);
    Executor threads =
        task -> {
          @Nullable Throwable failure = left.isEmpty() ? null : left.remove(0);
          if (failure instanceof Error error) {
            throw error;
          }
          if (failure instanceof RuntimeException e) {
            throw e;
          }
          task.run();
        };
    try (TileCache cache = PeerFixtures.cache(4)) {
      PeerServer server = server(cache, 1, threads);
      server.answer(fetch(request), reply);
      assertThat(replies).containsExactly(Status.BUSY);
      assertThatThrownBy(() -> server.answer(fetch(request), reply)).hasMessage("test");
      server.answer(fetch(request), reply);
      assertThat(replies).containsExactly(Status.BUSY, Status.OK);
    }
  }

  @Test
  void tilesAboveAMessagesSizeCount() {
    SequenceRequest request = PeerFixtures.request(random, 1, null);
    try (TileCache cache =
        TileCache.create(
            new TileCacheOptions(
                LARGE, LARGE.kvHeads(), 8, 64, PeerFixtures.NAMESPACE, 60_000, true, () -> 0))) {
      assertThat(cache.groupBytes()).isEqualTo(2 * PeerWire.TILE_BYTES_PER_MESSAGE);
      PeerServer server = server(cache, cache.groupBytes() + (1 << 20), tasks::add);
      server.answer(fetch(request), reply);
      server.answer(fetch(request), reply);
      assertThat(tasks).hasSize(2);
      tasks.get(0).run();
      tasks.get(1).run();
      assertThat(replies).as("only one has room").containsExactly(Status.BUSY, Status.OK);
    }
  }
}
