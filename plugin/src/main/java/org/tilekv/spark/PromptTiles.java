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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tilekv.SequenceRequest;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.Namespace;

/** Names of a prompt's full tiles. */
final class PromptTiles {

  private PromptTiles() {}

  /** Full tiles of which a row can use every slot: a prompt's last token is always computed. */
  static int count(SequenceRequest request, int tileTokens) {
    return (request.prompt().length - 1) / tileTokens;
  }

  /** Those tiles, in their order. */
  static List<NamedTile> of(Namespace namespace, SequenceRequest request, int tileTokens) {
    int count = count(request, tileTokens);
    List<NamedTile> tiles = new ArrayList<>(count);
    ChainHash parent = ChainHash.root(namespace, request.salt());
    for (int tile = 0; tile < count; tile++) {
      int from = tile * tileTokens;
      ChainHash name = parent.child(request.prompt(), from, tileTokens);
      int[] tokens = Arrays.copyOfRange(request.prompt(), from, from + tileTokens);
      tiles.add(new NamedTile(name, parent, tokens));
      parent = name;
    }
    return tiles;
  }
}
