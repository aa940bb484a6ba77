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
package org.tilekv.cache;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.prefix.PartialMatch;
import org.tilekv.prefix.PrefixIndex;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/**
 * The longest resident prefix of a prompt: full groups, and one more of which some leading slots
 * agree. The prompt's last token is never part of it, since its logits have to be computed. Token
 * ids are compared all the way.
 */
final class PromptMatch {

  final List<TileGroup> groups = new ArrayList<>();
  final @Nullable PartialMatch partial;
  private final int tileTokens;

  /** Looks up under the cache's lock. */
  PromptMatch(PrefixIndex index, TileName root, int[] prompt, int tileTokens) {
    this.tileTokens = tileTokens;
    int limit = prompt.length - 1;
    TileGroup last = index.root(root);
    int from = 0;
    while (from + tileTokens <= limit) {
      TileGroup group = index.next(last, prompt, from, tileTokens);
      if (group == null) {
        break;
      }
      groups.add(group);
      last = group;
      from += tileTokens;
    }
    partial = index.partial(last, prompt, from, Math.min(from + tileTokens, limit));
  }

  /** Tokens found. */
  int tokens() {
    return groups.size() * tileTokens + (partial == null ? 0 : partial.slots());
  }

  /** Names of the full tiles that could have been found and were not. */
  static List<TileName> missedNames(TileName last, int[] prompt, int from, int tileTokens) {
    List<TileName> names = new ArrayList<>();
    TileName name = last;
    for (int at = from; at + tileTokens <= prompt.length - 1; at += tileTokens) {
      name = name.child(prompt, at, tileTokens);
      names.add(name);
    }
    return names;
  }
}
