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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.tilekv.SequenceRequest;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.TileName;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.SnapshotException;
import org.tilekv.tier.SnapshotReader;
import org.tilekv.tier.SnapshotWriter;

/**
 * Saves the tiles of a pool and of the tier below it to a stream, and takes them in again; while
 * the cache is in use.
 */
public final class CacheSnapshot {

  private CacheSnapshot() {}

  /**
   * What a load did.
   *
   * @param tiles tiles that are in the pool now, or in the tier below it
   * @param tilesWithoutRoom tiles left out: the pool had no free page, which loads do not evict
   *     for, or what they continue has left it, and no tier below took them
   * @param refused why the rest of the snapshot was refused, empty where it was read to its end
   */
  public record Loaded(long tiles, long tilesWithoutRoom, String refused) {}

  /**
   * Writes all tiles, those of the pool first; what moves meanwhile may be left out. So are tiles
   * below that continue none that is written and are not the first of a prompt without a salt:
   * nobody can tell what they are.
   */
  public static long save(TileCache cache, SnapshotWriter out) throws IOException {
    return save(cache, List.of(), name -> true, out);
  }

  /** Writes the tiles along the given prompts. */
  public static long save(TileCache cache, List<SequenceRequest> prefixes, SnapshotWriter out)
      throws IOException {
    Set<GroupKey> wanted = new HashSet<>();
    for (SequenceRequest prefix : prefixes) {
      wanted.addAll(names(cache, prefix));
    }
    return save(cache, prefixes, wanted::contains, out);
  }

  private static List<GroupKey> names(TileCache cache, SequenceRequest prefix) {
    int tileTokens = cache.geometry().tileTokens();
    TileName root = TileName.root(cache.options().namespace(), prefix.salt());
    int[] tokens = Arrays.copyOf(prefix.prompt(), prefix.prompt().length + 1);
    return PromptMatch.missedNames(root, tokens, 0, tileTokens).stream()
        .map(name -> key(name.chain()))
        .toList();
  }

  private static GroupKey key(ChainHash name) {
    return GroupKey.of(name.bytes());
  }

  private static long save(
      TileCache cache,
      List<SequenceRequest> prefixes,
      Predicate<GroupKey> wanted,
      SnapshotWriter out)
      throws IOException {
    Set<GroupKey> known = savePool(cache, wanted, out);
    known.add(root(cache, null));
    prefixes.forEach(prefix -> known.add(root(cache, prefix.salt())));
    LowerTier below = cache.below();
    if (below != null) {
      new TilesBelow(below, wanted).write(known, out);
    }
    return out.groups();
  }

  private static GroupKey root(TileCache cache, @Nullable String salt) {
    return key(TileName.root(cache.options().namespace(), salt).chain());
  }

  /** Writes resident tiles, parents first; their names and those of the roots that they have. */
  private static Set<GroupKey> savePool(
      TileCache cache, Predicate<GroupKey> wanted, SnapshotWriter out) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(cache.groupBytes());
    Set<GroupKey> known = new HashSet<>();
    Set<ChainHash> gone = new HashSet<>();
    for (NamedTile tile : cache.residentTiles()) {
      if (!wanted.test(key(tile.name()))) {
        continue;
      }
      if (!gone.contains(tile.parent()) && cache.read(tile.name(), bytes.clear()) != null) {
        out.add(SpillStaging.metaOf(tile), bytes.flip());
        known.add(key(tile.parent()));
        known.add(key(tile.name()));
      } else {
        gone.add(tile.name());
      }
    }
    return known;
  }

  /**
   * Takes in what there is room for, without evicting anything; what the pool has no room for goes
   * to the tier below, where there is one. Tiles before the first damage are kept. The caller has
   * seen that the header is that of the cache's own tiles.
   */
  public static Loaded load(TileCache cache, SnapshotReader in) throws IOException {
    long tiles = 0;
    long withoutRoom = 0;
    LowerTier below = cache.below();
    Set<ChainHash> seen = new HashSet<>();
    Set<ChainHash> left = new HashSet<>();
    try {
      for (GroupMeta meta = in.next(); meta != null; meta = in.next()) {
        NamedTile tile =
            new NamedTile(
                ChainHash.of(meta.chainHash()), ChainHash.of(meta.parentHash()), meta.tokens());
        // Parents come first: what continues none of the snapshot is the first tile of a prompt.
        boolean first = !seen.contains(tile.parent());
        seen.add(tile.name());
        if (!left.contains(tile.parent()) && cache.install(tile, in.bytes(), first)) {
          tiles++;
          continue;
        }
        left.add(tile.name());
        if (below != null && isNamed(tile) && below.fill(meta, in.bytes())) {
          tiles++;
        } else {
          withoutRoom++;
        }
      }
      return new Loaded(tiles, withoutRoom, "");
    } catch (SnapshotException e) {
      return new Loaded(tiles, withoutRoom, String.valueOf(e.getMessage()));
    }
  }

  /** Whether a tile's name is that of its tokens behind its parent. */
  private static boolean isNamed(NamedTile tile) {
    int[] tokens = tile.tokens();
    return tile.parent().child(tokens, 0, tokens.length).equals(tile.name());
  }
}
