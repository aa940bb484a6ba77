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

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.TileName;

/**
 * Puts full tiles from elsewhere (a lower tier, another executor, a snapshot) behind what is
 * resident of a prompt, one after the other. What is in place is pinned until {@link #close}, and
 * can be found by others at once. Used by one thread.
 *
 * <p>Who has the bytes vouches for them: they are what {@link TileCache#read} gave for that name.
 */
public final class TileLoad implements AutoCloseable {

  private final TileCache cache;
  private final TileSequence sequence;
  private final int tileTokens;
  // The tiles behind those in place that have been named, and the name of the last of all.
  private final List<NamedTile> upcoming = new ArrayList<>();
  private TileName named;
  private int tiles;
  private boolean closed;

  /**
   * Of a sequence that holds {@code tiles} full tiles; under the cache's lock.
   *
   * @param last name of the last of them; the root's where there is none
   */
  TileLoad(TileCache cache, TileSequence sequence, TileName last, int tiles) {
    this.cache = cache;
    this.sequence = sequence;
    this.tiles = tiles;
    tileTokens = cache.geometry().tileTokens();
    this.named = last;
  }

  /** Full tiles of the prompt that are in place. */
  public int tiles() {
    return tiles;
  }

  /** Whether the prompt has one more full tile. */
  public boolean hasNext() {
    return (tiles + 1) * tileTokens <= sequence.request().prompt().length;
  }

  /** Name of the next tile. */
  public ChainHash nextName() {
    return next(1).get(0).name();
  }

  /** The next tiles of the prompt, at most so many, in order; at least one. */
  public List<NamedTile> next(int most) {
    requireNext();
    int[] prompt = sequence.request().prompt();
    while (upcoming.size() < most && (tiles + upcoming.size() + 1) * tileTokens <= prompt.length) {
      int from = (tiles + upcoming.size()) * tileTokens;
      TileName name = named.child(prompt, from, tileTokens);
      int[] tokens = Arrays.copyOfRange(prompt, from, from + tileTokens);
      upcoming.add(new NamedTile(name.chain(), named.chain(), tokens));
      named = name;
    }
    return List.copyOf(upcoming.subList(0, Math.min(most, upcoming.size())));
  }

  private void requireNext() {
    if (!hasNext()) {
      throw new IllegalStateException("the prompt has no more than " + tiles + " full tiles");
    }
  }

  /**
   * Takes the next tile's bytes: those of every head, {@link TileCache#groupBytes} from the
   * buffer's position on.
   *
   * @return false when the pool has no room even after eviction; nothing has changed then
   */
  public boolean add(ByteBuffer bytes) {
    return addAll(List.of(bytes));
  }

  /** Takes the bytes of the next tiles, all of them or none, as {@link #add}. */
  public boolean addAll(List<ByteBuffer> bytes) {
    if (next(bytes.size()).size() < bytes.size()) {
      throw new IllegalStateException(
          bytes.size() + " tiles; the prompt has " + upcoming.size() + " more full tiles");
    }
    for (ByteBuffer tile : bytes) {
      if (tile.remaining() < cache.groupBytes()) {
        throw new IllegalArgumentException(
            tile.remaining() + " bytes for a tile of " + cache.groupBytes());
      }
    }
    if (!sequence.fillTiles(bytes)) {
      return false;
    }
    upcoming.subList(0, bytes.size()).clear();
    tiles += bytes.size();
    return true;
  }

  /** Lets go of the tiles; they stay resident until room is needed. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      sequence.close();
      cache.loadEnded();
    }
  }
}
