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

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One tile index of a sequence: a page per KV head, named, shared and evicted together. Named
 * groups form a tree: a group's children continue its tokens. Confined to the cache's lock.
 */
public final class TileGroup {

  private static final int[] NO_TOKENS = {};

  /** Uses of all groups after which those of one count half. */
  private static final float COOLING_USES = 1 << 16;

  private final int[] pages;
  private int references;
  private @Nullable TileName name;
  private @Nullable TileGroup parent;
  private @Nullable ChainHash parentName;
  private int[] tokens = NO_TOKENS;
  private @Nullable NavigableMap<int[], TileGroup> children;
  private boolean expected;

  // How often it was used, uses long ago counting less; as of the use with that number.
  private float heat;
  private long lastUse;

  /** Neighbour in the list of an eviction policy, which owns this field. */
  public @Nullable TileGroup older;

  /** Neighbour in the list of an eviction policy, which owns this field. */
  public @Nullable TileGroup newer;

  /** What an eviction policy, which owns this field, keeps of the group. */
  public @Nullable PolicyEntry policyEntry;

  /** Marks what an eviction policy keeps of a group. */
  public interface PolicyEntry {}

  /** A private group; {@code pages[head]} is the page of a KV head. */
  public TileGroup(int[] pages) {
    this.pages = pages;
  }

  /** Pages by KV head; not to be modified. */
  public int[] pages() {
    return pages;
  }

  /** Page-table rows that point here. */
  public int references() {
    return references;
  }

  /** Says that its sequence was set aside and will be opened again. */
  public void expect() {
    expected = true;
  }

  /** Whether {@link #expect} was said since it was last used. */
  public boolean expected() {
    return expected;
  }

  /** Counts one more row; true where it is the first. */
  public boolean retain() {
    expected = false;
    return references++ == 0;
  }

  /** Counts one row less; true where it was the last. */
  public boolean release() {
    if (references == 0) {
      throw new IllegalStateException("tile group " + name + " is released once too often");
    }
    return --references == 0;
  }

  /** Name under which others find it; null while it is private or when it was dropped. */
  public @Nullable TileName name() {
    return name;
  }

  /** Counts one more use of it; {@code number} is that of the use among those of all groups. */
  public void used(long number) {
    heat = heatAt(number) + 1;
    lastUse = number;
  }

  /** Uses so far, as they count after {@code number} uses of all groups. */
  public float heatAt(long number) {
    return heat / (1 + (number - lastUse) / COOLING_USES);
  }

  public boolean named() {
    return name != null;
  }

  public @Nullable TileGroup parent() {
    return parent;
  }

  /** Name, parent's name and tokens of a named group; null while it is private. */
  public @Nullable NamedTile describe() {
    TileName own = name;
    ChainHash before = parentName;
    return own == null || before == null ? null : new NamedTile(own.chain(), before, tokens);
  }

  /** Token ids of a named group's slots; not to be modified. */
  public int[] tokens() {
    return tokens;
  }

  /** Whether a resident group continues this one. */
  public boolean hasChildren() {
    return children != null && !children.isEmpty();
  }

  /** Resident groups that continue this one. */
  Collection<TileGroup> children() {
    return children == null ? List.of() : children.values();
  }

  void attach(TileName newName, TileGroup newParent, ChainHash newParentName, int[] newTokens) {
    parentName = newParentName;
    name = newName;
    parent = newParent;
    tokens = newTokens;
    if (newParent.children == null) {
      newParent.children = new TreeMap<>(Arrays::compare);
    }
    newParent.children.put(newTokens, this);
  }

  void detach() {
    if (parent != null && parent.children != null) {
      parent.children.remove(tokens);
    }
    name = null;
    parentName = null;
    parent = null;
    tokens = NO_TOKENS;
  }

  /**
   * The child that shares the longest prefix with {@code key}: one of its two neighbours in token
   * order.
   */
  @Nullable TileGroup closestChild(int[] key) {
    if (children == null) {
      return null;
    }
    TileGroup below = value(children.floorEntry(key));
    TileGroup above = value(children.ceilingEntry(key));
    if (below == null || above == null) {
      return below == null ? above : below;
    }
    return commonPrefix(above.tokens, key) > commonPrefix(below.tokens, key) ? above : below;
  }

  private static @Nullable TileGroup value(Map.@Nullable Entry<int[], TileGroup> entry) {
    return entry == null ? null : entry.getValue();
  }

  static int commonPrefix(int[] a, int[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? Math.min(a.length, b.length) : mismatch;
  }
}
