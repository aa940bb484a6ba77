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
package org.tilekv.prefix;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.tilekv.MissReason;

/**
 * Finds named tile groups: exactly by chain hash, and by the longest common prefix among the groups
 * that continue a given one. Confined to the cache's lock.
 */
public final class PrefixIndex {

  private final Map<TileName, TileGroup> roots = new HashMap<>();
  private final Map<ChainHash, TileGroup> groups = new HashMap<>();
  // Why a tile was missed is told by short names: two tiles of one would be told the same.
  private final RecentLongs evicted;
  private final RecentLongs notLoaded;
  // Content of a published tile -> short form of the name it was last published under.
  private final RecentLongs contents;

  /**
   * @param remembered names of evicted tiles, and contents seen, that are remembered to tell why a
   *     tile is missed; a power of two
   */
  public PrefixIndex(int remembered) {
    evicted = new RecentLongs(remembered);
    notLoaded = new RecentLongs(remembered);
    contents = new RecentLongs(remembered);
  }

  /** Named groups. */
  public int size() {
    return groups.size();
  }

  /** The group of this name, if it is resident and holds these very tokens. */
  public @Nullable TileGroup find(TileName name, int[] tokens, int from, int count) {
    TileGroup group = groups.get(name.chain());
    return group != null && Arrays.equals(group.tokens(), 0, count, tokens, from, from + count)
        ? group
        : null;
  }

  /** The group of this name, whatever it continues; null where it is not resident. */
  public @Nullable TileGroup find(ChainHash name) {
    return groups.get(name);
  }

  private static TileName nameOf(TileGroup group) {
    return Objects.requireNonNull(group.name());
  }

  /**
   * The group that holds exactly {@code tokens[from..from+count)} after {@code parent}, or null.
   */
  public @Nullable TileGroup next(@Nullable TileGroup parent, int[] tokens, int from, int count) {
    PartialMatch match = partial(parent, tokens, from, from + count);
    return match != null && match.slots() == count ? match.donor() : null;
  }

  /** The parent of all first tiles of a namespace and salt; null where there are none. */
  public @Nullable TileGroup root(TileName name) {
    return roots.get(name);
  }

  /** The child of {@code parent} that agrees with {@code tokens[from..to)} longest, or null. */
  public @Nullable PartialMatch partial(
      @Nullable TileGroup parent, int[] tokens, int from, int to) {
    if (parent == null || from >= to) {
      return null;
    }
    int[] key = Arrays.copyOfRange(tokens, from, to);
    TileGroup donor = parent.closestChild(key);
    if (donor == null) {
      return null;
    }
    int slots = TileGroup.commonPrefix(donor.tokens(), key);
    return slots == 0 ? null : new PartialMatch(donor, slots);
  }

  /**
   * Names a private group.
   *
   * @param parent the group it continues, or null for the first tile under {@code rootName}
   */
  public void publish(
      TileGroup group, TileName name, TileName rootName, @Nullable TileGroup parent, int[] tokens) {
    TileGroup under =
        parent != null ? parent : roots.computeIfAbsent(rootName, key -> new TileGroup(new int[0]));
    if (groups.putIfAbsent(name.chain(), group) != null) {
      throw new IllegalStateException("tile " + name + " is published twice");
    }
    group.attach(name, under, (parent == null ? rootName : nameOf(parent)).chain(), tokens);
    long shortName = name.chain().shortName();
    evicted.remove(shortName);
    notLoaded.remove(shortName);
    contents.put(name.content(), shortName);
  }

  /** Takes a group's name away; it must have no children. */
  public void drop(TileGroup group) {
    TileName name = group.name();
    if (name == null || group.hasChildren()) {
      throw new IllegalStateException("tile " + name + " is not named, or continued by others");
    }
    groups.remove(name.chain());
    evicted.put(name.chain().shortName(), 1);
    TileGroup parent = group.parent();
    group.detach();
    if (parent != null && parent.pages().length == 0 && !parent.hasChildren()) {
      roots.values().remove(parent);
    }
  }

  /** A lower tier held the tile and could not give it back. */
  public void loadFailed(ChainHash name) {
    notLoaded.put(name.shortName(), 1);
  }

  /** Why a full tile was not there. It may have been published since: then it was never seen. */
  public MissReason missReason(TileName name) {
    long shortName = name.chain().shortName();
    if (notLoaded.contains(shortName)) {
      return MissReason.LOAD_FAILED;
    }
    if (evicted.contains(shortName)) {
      return MissReason.EVICTED;
    }
    return contents.get(name.content(), shortName) == shortName
        ? MissReason.NEVER_SEEN
        : MissReason.OTHER_NAMESPACE;
  }

  /** All named groups, parents before their children. */
  public List<NamedTile> describeAll() {
    List<NamedTile> tiles = new ArrayList<>(groups.size());
    Deque<TileGroup> next = new ArrayDeque<>(roots.values());
    for (TileGroup group = next.poll(); group != null; group = next.poll()) {
      NamedTile tile = group.describe();
      if (tile != null) {
        tiles.add(tile);
      }
      next.addAll(group.children());
    }
    return tiles;
  }

  /** Visits every named group. */
  public void forEach(Consumer<TileGroup> visitor) {
    groups.values().forEach(visitor);
  }

  /** Verifies that names, tokens and the tree agree. */
  public void checkIntegrity() {
    groups.forEach(
        (name, group) -> {
          TileGroup parent = group.parent();
          if (!group.named() || !name.equals(nameOf(group).chain())) {
            throw new IllegalStateException("tile " + name + " calls itself " + group.name());
          }
          if (parent == null || parent.closestChild(group.tokens()) != group) {
            throw new IllegalStateException("tile " + name + " is not found from its parent");
          }
          if (parent.named() && groups.get(nameOf(parent).chain()) != parent) {
            throw new IllegalStateException("tile " + name + " continues one that is gone");
          }
        });
  }
}
