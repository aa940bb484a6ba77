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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.spark.PeerWire.Fetch;
import org.tilekv.spark.PeerWire.FormatException;
import org.tilekv.spark.PeerWire.Push;
import org.tilekv.spark.PeerWire.ReplyReader;
import org.tilekv.spark.PeerWire.SentTile;
import org.tilekv.spark.PeerWire.Status;

class PeerWireTest {

  private static final String NAMESPACE = "0123456789abcdef".repeat(4);
  private static final ChainHash ROOT = ChainHash.root(PeerFixtures.NAMESPACE, "salt");

  private static Push push() {
    ChainHash name = ROOT.child(new int[] {1, 2, 3, 4}, 0, 4);
    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {9, 8, 7});
    SentTile tile = new SentTile(bytes, PeerWire.checksum(name, bytes));
    return new Push(NAMESPACE, ROOT, new int[] {1, 2, 3, 4}, 0, List.of(tile));
  }

  /** What stands behind the byte of the channel. */
  private static ByteBuffer behindChannel(ByteBuffer message) {
    assertThat(message.get()).isEqualTo(PeerServer.CHANNEL);
    return message;
  }

  @Test
  void aFetchComesBackAsItWas() throws Exception {
    Fetch fetch = new Fetch(NAMESPACE, 77, List.of(ROOT, ROOT.child(new int[] {5}, 0, 1)));
    assertThat(PeerWire.readRequest(behindChannel(PeerWire.encode(fetch)))).isEqualTo(fetch);
  }

  @Test
  void aPushComesBackAsItWas() throws Exception {
    Push read = (Push) PeerWire.readRequest(behindChannel(PeerWire.encode(push())));
    assertThat(read.namespace()).isEqualTo(NAMESPACE);
    assertThat(read.root()).isEqualTo(ROOT);
    assertThat(read.tokens()).containsExactly(1, 2, 3, 4);
    SentTile tile = read.tiles().get(0);
    assertThat(tile.isIntact(ROOT.child(read.tokens(), 0, 4))).isTrue();
    assertThat(tile.isIntact(ROOT)).isFalse();
  }

  @Test
  void aReplyCarriesTilesAndSaysWhereTheyEnd() throws Exception {
    int[] tokens = {1, 2, 3, 4};
    NamedTile tile = new NamedTile(ROOT.child(tokens, 0, 4), ROOT, tokens);
    var writer = new PeerWire.TilesWriter(3, 4, 2);
    assertThat(writer.add(4, dst -> dst.put(new byte[] {5, 6}).hasArray() ? tile : null)).isTrue();
    assertThat(writer.add(4, dst -> null)).isFalse();
    ReplyReader reader = new ReplyReader(writer.finish());
    assertThat(reader.status).isEqualTo(Status.OK);
    assertThat(reader.count).isEqualTo(1);
    NamedTile came = reader.nextTile();
    assertThat(came.name()).isEqualTo(tile.name());
    assertThat(came.parent()).isEqualTo(ROOT);
    assertThat(came.tokens()).isEqualTo(tokens);
    assertThat(reader.nextBytes().isIntact(tile.name())).isTrue();
    assertThatThrownBy(reader::nextTile).isInstanceOf(FormatException.class);
  }

  @Test
  void whatIsCutOffIsRefused() {
    byte[] bytes = behindChannel(PeerWire.encode(push())).slice().array();
    for (int length = 1; length < bytes.length; length++) {
      ByteBuffer cut = ByteBuffer.wrap(Arrays.copyOf(bytes, length)).position(1);
      assertThatThrownBy(() -> PeerWire.readRequest(cut)).isInstanceOf(FormatException.class);
    }
    ByteBuffer longer = ByteBuffer.wrap(Arrays.copyOf(bytes, bytes.length + 1)).position(1);
    assertThatThrownBy(() -> PeerWire.readRequest(longer)).isInstanceOf(FormatException.class);
  }

  @Test
  void anotherVersionAndRandomBytesAreRefused() {
    byte[] bytes = PeerWire.encode(push()).array();
    bytes[5]++;
    assertThatThrownBy(() -> PeerWire.readRequest(ByteBuffer.wrap(bytes).position(1)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("version 2");
    bytes[5]--;
    Random random = new Random(3);
    for (int i = 0; i < 2000; i++) {
      byte[] broken = bytes.clone();
      broken[1 + random.nextInt(broken.length - 1)] = (byte) random.nextInt();
      try {
        PeerWire.readRequest(ByteBuffer.wrap(broken).position(1));
      } catch (FormatException expected) {
        assertThat(expected).hasMessageNotContaining("null");
      }
    }
  }
}
