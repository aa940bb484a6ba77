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
import org.tilekv.SequenceRequest;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.TileName;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.SnapshotException;
import org.tilekv.tier.SnapshotReader;
import org.tilekv.tier.SnapshotWriter;

/** Saves the tiles of a pool to a stream, and takes them in again; while the cache is in use. */
public final class CacheSnapshot {

  private CacheSnapshot() {}

  /**
   * What a load did.
   *
   * @param tiles tiles that are resident now
   * @param tilesWithoutRoom tiles left out: the pool had no free page, which loads do not evict
   *     for, or what they continue has left it
   * @param refused why the rest of the snapshot was refused, empty where it was read to its end
   */
  public record Loaded(long tiles, long tilesWithoutRoom, String refused) {}

  /** Writes all resident tiles; those that leave the pool meanwhile are left out. */
  public static long save(TileCache cache, SnapshotWriter out) throws IOException {
    return save(cache, cache.residentTiles(), out);
  }

  /** Writes the resident tiles along the given prompts. */
  public static long save(TileCache cache, List<SequenceRequest> prefixes, SnapshotWriter out)
      throws IOException {
    Set<ChainHash> wanted = new HashSet<>();
    for (SequenceRequest prefix : prefixes) {
      wanted.addAll(names(cache, prefix));
    }
    List<NamedTile> tiles =
        cache.residentTiles().stream().filter(tile -> wanted.contains(tile.name())).toList();
    return save(cache, tiles, out);
  }

  private static List<ChainHash> names(TileCache cache, SequenceRequest prefix) {
    int tileTokens = cache.geometry().tileTokens();
    TileName root = TileName.root(cache.options().namespace(), prefix.salt());
    int[] tokens = Arrays.copyOf(prefix.prompt(), prefix.prompt().length + 1);
    return PromptMatch.missedNames(root, tokens, 0, tileTokens).stream()
        .map(TileName::chain)
        .toList();
  }

  private static long save(TileCache cache, Iterable<NamedTile> tiles, SnapshotWriter out)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(cache.groupBytes());
    Set<ChainHash> gone = new HashSet<>();
    for (NamedTile tile : tiles) {
      if (!gone.contains(tile.parent()) && cache.read(tile.name(), bytes.clear()) != null) {
        out.add(SpillStaging.metaOf(tile), bytes.flip());
      } else {
        gone.add(tile.name());
      }
    }
    return out.groups();
  }

  /**
   * Takes in what there is room for, without evicting anything. Tiles before the first damage are
   * kept. The caller has seen that the header is that of the cache's own tiles.
   */
  public static Loaded load(TileCache cache, SnapshotReader in) throws IOException {
    long tiles = 0;
    long withoutRoom = 0;
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
        } else {
          left.add(tile.name());
          withoutRoom++;
        }
      }
      return new Loaded(tiles, withoutRoom, "");
    } catch (SnapshotException e) {
      return new Loaded(tiles, withoutRoom, String.valueOf(e.getMessage()));
    }
  }
}
