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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.network.client.RpcResponseCallback;
import org.apache.spark.network.client.TransportClient;
import org.tilekv.coordinator.Peer;

/** Asks over the {@link ExecutorTransport}. */
final class TransportPeerLink implements PeerLink {

  private final ExecutorTransport transport;
  private final long timeoutMs;

  TransportPeerLink(ExecutorTransport transport, long timeoutMs) {
    this.transport = transport;
    this.timeoutMs = timeoutMs;
  }

  @Override
  public ByteBuffer ask(Peer peer, ByteBuffer message) throws IOException, InterruptedException {
    TransportClient client = transport.share(peer.host(), peer.port());
    CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
    long id = client.sendRpc(message, new Answer(answer));
    try {
      return answer.get(timeoutMs, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      client.removeRpcRequest(id);
      throw new IOException("no answer within " + timeoutMs + " ms", e);
    } catch (ExecutionException e) {
      throw new IOException(String.valueOf(e.getCause()), e);
    }
  }

  private record Answer(CompletableFuture<ByteBuffer> answer) implements RpcResponseCallback {

    /** The buffer is the transport's again once this returns. */
    @Override
    public void onSuccess(ByteBuffer response) {
      answer.complete(ByteBuffer.allocate(response.remaining()).put(response).flip());
    }

    @Override
    public void onFailure(Throwable e) {
      answer.completeExceptionally(e);
    }
  }
}
