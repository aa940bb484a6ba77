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
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What {@link PagedTiles} promises, in collections: no pages, only who shares what with whom. */
final class PagedTilesModel {

  record Key(int beam, int head, int tile) {}

  /** What is on one page. */
  static final class Content {
    final Map<Key, Integer> pinsByTile = new HashMap<>();
    boolean published;

    int pins() {
      return pinsByTile.values().stream().mapToInt(Integer::intValue).sum();
    }
  }

  final Map<Key, Content> contents = new HashMap<>();
  final Set<Content> evictionOrder = new LinkedHashSet<>();
  private final int pages;
  long evictions;

  PagedTilesModel(int pages) {
    this.pages = pages;
  }

  private int freePages() {
    return pages - new HashSet<>(contents.values()).size();
  }

  boolean find(Key key) {
    Content content = contents.get(key);
    if (content == null || !content.published) {
      return false;
    }
    if (evictionOrder.remove(content)) {
      evictionOrder.add(content);
    }
    return true;
  }

  /** Keys that now have a copy, in the order of the range; null where there is no room. */
  @Nullable List<Key> reserve(Collection<Key> range) {
    List<Key> copied = new ArrayList<>();
    Set<Content> own = new HashSet<>();
    int missing = 0;
    for (Key key : range) {
      Content content = contents.get(key);
      if (content == null) {
        missing++;
      } else {
        own.add(content);
        if (content.published && content.pinsByTile.size() > 1) {
          copied.add(key);
        }
      }
    }
    int toEvict = missing + copied.size() - freePages();
    List<Content> victims = evictionOrder.stream().filter(c -> !own.contains(c)).toList();
    if (toEvict > victims.size()) {
      return null;
    }
    for (int i = 0; i < toEvict; i++) {
      evict(victims.get(i));
    }
    evictionOrder.removeAll(own);
    range.forEach(this::takeForWriting);
    return copied;
  }

  private void evict(Content victim) {
    evictionOrder.remove(victim);
    contents.values().removeIf(content -> content == victim);
    evictions++;
  }

  private void takeForWriting(Key key) {
    Content content = contents.get(key);
    if (content != null && content.pinsByTile.size() == 1) {
      content.published = false;
      return;
    }
    int pins = 0;
    if (content != null) {
      pins = Objects.requireNonNull(content.pinsByTile.remove(key));
      if (content.pins() == 0) {
        evictionOrder.add(content);
      }
    }
    Content taken = new Content();
    taken.pinsByTile.put(key, pins);
    contents.put(key, taken);
  }

  boolean isBeingWritten(Key key) {
    Content content = contents.get(key);
    return content != null && !content.published;
  }

  void publish(Key key) {
    Content content = Objects.requireNonNull(contents.get(key));
    content.published = true;
    if (content.pins() == 0) {
      evictionOrder.add(content);
    }
  }

  boolean pin(Key key) {
    Content content = contents.get(key);
    if (content == null || !content.published) {
      return false;
    }
    evictionOrder.remove(content);
    content.pinsByTile.merge(key, 1, Integer::sum);
    return true;
  }

  int pinsOf(Key key) {
    Content content = contents.get(key);
    return content == null ? 0 : Objects.requireNonNull(content.pinsByTile.get(key));
  }

  void unpin(Key key) {
    Content content = Objects.requireNonNull(contents.get(key));
    content.pinsByTile.merge(key, -1, Integer::sum);
    if (content.pins() == 0 && content.published) {
      evictionOrder.add(content);
    }
  }

  void drop(Key key) {
    Content content = contents.remove(key);
    if (content != null) {
      content.pinsByTile.remove(key);
      if (content.pinsByTile.isEmpty()) {
        evictionOrder.remove(content);
      }
    }
  }

  boolean canFork(int from, int to) {
    return contents.keySet().stream().noneMatch(key -> key.beam() == to)
        && contents.entrySet().stream()
            .allMatch(e -> e.getKey().beam() != from || e.getValue().published);
  }

  void fork(int from, int to) {
    Map<Key, Content> added = new HashMap<>();
    contents.forEach(
        (key, content) -> {
          if (key.beam() == from) {
            Key copy = new Key(to, key.head(), key.tile());
            content.pinsByTile.put(copy, 0);
            added.put(copy, content);
          }
        });
    contents.putAll(added);
  }

  @Nullable Content oldest() {
    Iterator<Content> order = evictionOrder.iterator();
    return order.hasNext() ? order.next() : null;
  }
}
