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

import org.jspecify.annotations.Nullable;
import org.tilekv.prefix.TileGroup;

/**
 * Least recently used first, on an intrusive list.
 *
 * <p>A sequence gives its groups back last one first and holds all of its prefix while it is open,
 * so that a group is always older in this list than what it continues.
 */
final class LruPolicy implements EvictionPolicy {

  private @Nullable TileGroup oldest;
  private @Nullable TileGroup newest;
  private int size;

  @Override
  public void add(TileGroup group) {
    group.older = newest;
    group.newer = null;
    if (newest == null) {
      oldest = group;
    } else {
      newest.newer = group;
    }
    newest = group;
    size++;
  }

  @Override
  public void remove(TileGroup group) {
    TileGroup older = group.older;
    TileGroup newer = group.newer;
    if (older == null) {
      oldest = newer;
    } else {
      older.newer = newer;
    }
    if (newer == null) {
      newest = older;
    } else {
      newer.older = older;
    }
    group.older = null;
    group.newer = null;
    size--;
  }

  @Override
  public @Nullable TileGroup victim() {
    TileGroup group = oldest;
    while (group != null && group.hasChildren()) {
      group = group.newer;
    }
    return group;
  }

  @Override
  public int size() {
    return size;
  }
}
