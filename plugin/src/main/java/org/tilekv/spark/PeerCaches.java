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

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.tilekv.cache.TileCache;

/** The open caches of this process that other executors can have tiles of. Thread-safe. */
final class PeerCaches {

  private final List<Open> open = new CopyOnWriteArrayList<>();
  private final TileNews news;

  private record Open(TileCache cache, String namespace) {}

  PeerCaches(TileNews news) {
    this.news = news;
  }

  /** Others can have its tiles from now on. */
  void add(TileCache cache) {
    cache.listen(news);
    open.add(new Open(cache, cache.namespace().hex()));
  }

  /** It is about to close. */
  void remove(TileCache cache) {
    open.removeIf(entry -> entry.cache() == cache);
  }

  /** An open cache of this namespace, or null. */
  @Nullable TileCache find(String namespace) {
    for (Open entry : open) {
      if (entry.namespace().equals(namespace)) {
        return entry.cache();
      }
    }
    return null;
  }

  List<TileCache> all() {
    return open.stream().map(Open::cache).toList();
  }
}
