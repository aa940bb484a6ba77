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
package org.tilekv.coordinator;

import java.util.ArrayList;
import java.util.List;

/**
 * Who is said to hold tiles: a hint, as old as the last heartbeats.
 *
 * @param others executors that tiles can be fetched from, whether they hold one of these or not
 * @param peers executors that hold some of the tiles
 * @param holders for each name of {@link Locate} a place in {@code peers}, or -1
 */
public record Located(int others, List<Peer> peers, List<Integer> holders) implements Message {

  /** For a name that nobody else holds. */
  public static final int NOBODY = -1;

  public Located {
    Fields.requireNotNegative("others", others);
    peers = List.copyOf(peers);
    holders = List.copyOf(holders);
    Fields.requireAtMost("peers", peers.size(), Successors.MAX_PEERS);
    Fields.requireAtMost("holders", holders.size(), TileNames.MAX);
    for (int holder : holders) {
      if (holder < NOBODY || holder >= peers.size()) {
        throw new IllegalArgumentException(
            "a holder is " + holder + " of " + peers.size() + " peers");
      }
    }
  }

  static Located read(MessageReader in) {
    int others = in.readInt();
    List<Peer> peers = in.readPeers();
    int count = in.readCount("holders", TileNames.MAX, Short.BYTES);
    List<Integer> holders = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      holders.add((int) in.readShort());
    }
    return new Located(others, peers, holders);
  }

  void write(MessageWriter out) {
    out.writeInt(others).writePeers(peers).writeInt(holders.size());
    holders.forEach(out::writeShort);
  }
}
