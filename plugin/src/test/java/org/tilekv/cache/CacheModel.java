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
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvCache.PrefixProbe;
import org.tilekv.MissReason;
import org.tilekv.SequenceRequest;

/**
 * What a cache of {@code tiles} tile groups should do, with names that are whole token lists, and
 * searches that look at everything.
 */
final class CacheModel {

  /** All tokens up to the end of a tile, under a salt. */
  record Path(@Nullable String salt, List<Integer> tokens) {

    /** What is left without the last tokens. */
    Path parent(int lastTokens) {
      return new Path(salt, tokens.subList(0, tokens.size() - lastTokens));
    }
  }

  /** A tile group: who uses it, and its name once it is full. */
  static final class Tile {
    int users;
    @Nullable Path name;
  }

  final int tileTokens;
  final Map<Path, Tile> named = new HashMap<>();
  private final Map<Path, Set<Path>> children = new HashMap<>();
  // Named tiles that nobody uses, least recently used first.
  final Set<Tile> unused = new LinkedHashSet<>();
  final Map<MissReason, Long> missed = new EnumMap<>(MissReason.class);
  int free;
  int freeRows;
  long reusedTokens;
  long hitTiles;
  long partialHits;
  long published;
  long evictions;
  long copiedTiles;
  private final Set<Path> evicted = new HashSet<>();
  private final Set<List<Integer>> seen = new HashSet<>();

  CacheModel(int tiles, int rows, int tileTokens) {
    free = tiles;
    freeRows = rows;
    this.tileTokens = tileTokens;
  }

  void use(Tile tile) {
    if (tile.users++ == 0) {
      unused.remove(tile);
    }
  }

  void unuse(Tile tile) {
    if (--tile.users == 0) {
      if (tile.name == null) {
        free++;
      } else {
        unused.add(tile);
      }
    }
  }

  /** Takes tiles that nobody has, all or none. */
  boolean take(int tiles) {
    if (tiles > free + unused.size()) {
      return false;
    }
    while (free < tiles) {
      evictOldest();
    }
    free -= tiles;
    return true;
  }

  void evictOldest() {
    Tile oldest = unused.iterator().next();
    unused.remove(oldest);
    Path name = oldest.name;
    if (name == null || named.remove(name) == null) {
      throw new AssertionError("the model lost a name");
    }
    Objects.requireNonNull(children.get(name.parent(tileTokens))).remove(name);
    evicted.add(name);
    free++;
    evictions++;
  }

  /** Names a full tile; returns the one that already has this name, if there is one. */
  Tile publish(Tile tile, Path name) {
    Tile same = named.putIfAbsent(name, tile);
    if (same != null) {
      return same;
    }
    tile.name = name;
    children.computeIfAbsent(name.parent(tileTokens), path -> new HashSet<>()).add(name);
    published++;
    evicted.remove(name);
    seen.add(name.tokens());
    return tile;
  }

  void miss(Path name) {
    MissReason reason =
        evicted.contains(name)
            ? MissReason.EVICTED
            : seen.contains(name.tokens()) ? MissReason.OTHER_NAMESPACE : MissReason.NEVER_SEEN;
    missed.merge(reason, 1L, Long::sum);
  }

  static List<Integer> list(int[] tokens, int count) {
    return IntStream.of(Arrays.copyOf(tokens, count)).boxed().toList();
  }

  /** The resident full tiles of a prompt, without its last token. */
  List<Tile> match(SequenceRequest request) {
    List<Tile> tiles = new ArrayList<>();
    int[] prompt = request.prompt();
    for (int to = tileTokens; to < prompt.length; to += tileTokens) {
      Tile tile = named.get(new Path(request.salt(), list(prompt, to)));
      if (tile == null) {
        break;
      }
      tiles.add(tile);
    }
    return tiles;
  }

  /** The name that goes on after {@code from} tokens as the prompt does, longest; or null. */
  @Nullable Path donor(SequenceRequest request, int from) {
    int[] prompt = request.prompt();
    int to = Math.min(from + tileTokens, prompt.length - 1);
    List<Integer> wanted = list(prompt, Math.max(from, to));
    Path best = null;
    Path parent = new Path(request.salt(), list(prompt, from));
    for (Path name : children.getOrDefault(parent, Set.of())) {
      boolean agrees = common(name.tokens(), wanted) > from;
      if (agrees && (best == null || closer(name.tokens(), best.tokens(), wanted))) {
        best = name;
      }
    }
    return best;
  }

  /**
   * Longer agreement wins; then the greatest that is not above the wanted tokens, in their order.
   */
  private static boolean closer(List<Integer> name, List<Integer> best, List<Integer> wanted) {
    int difference = common(name, wanted) - common(best, wanted);
    if (difference != 0) {
      return difference > 0;
    }
    boolean below = compare(name, wanted) <= 0;
    boolean bestBelow = compare(best, wanted) <= 0;
    if (below != bestBelow) {
      return below;
    }
    return below ? compare(name, best) > 0 : compare(name, best) < 0;
  }

  private static int compare(List<Integer> a, List<Integer> b) {
    return Arrays.compare(
        a.stream().mapToInt(i -> i).toArray(), b.stream().mapToInt(i -> i).toArray());
  }

  static int common(List<Integer> a, List<Integer> b) {
    int common = 0;
    while (common < Math.min(a.size(), b.size()) && a.get(common).equals(b.get(common))) {
      common++;
    }
    return common;
  }

  PrefixProbe probe(SequenceRequest request, Iterable<ModelSequence> open) {
    if (!request.reusePrefix()) {
      return new PrefixProbe(0, 0);
    }
    int full = match(request).size() * tileTokens;
    Path donor = donor(request, full);
    int[] prompt = request.prompt();
    int resident = donor == null ? full : common(donor.tokens(), list(prompt, prompt.length - 1));
    int promised = resident;
    for (ModelSequence sequence : open) {
      promised = Math.max(promised, sequence.promises(request));
    }
    return new PrefixProbe(resident, promised);
  }
}
