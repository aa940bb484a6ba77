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
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.tilekv.cache.TileCache;
import org.tilekv.engine.ModelRuntime;

/** The open caches of this process, with what is measured of their models. Thread-safe. */
final class PeerCaches {

  /** Fewer computed tokens say nothing about speed. */
  private static final long MIN_TOKENS = 256;

  private final List<Open> open = new CopyOnWriteArrayList<>();
  private final Map<TileCache, FetchCost> costs = new ConcurrentHashMap<>();
  private final TileNews news;

  private static final class Open {
    final ModelRuntime runtime;
    final TileCache cache;
    long tokens;
    long atNs;

    Open(ModelRuntime runtime, TileCache cache, long nowNs) {
      this.runtime = runtime;
      this.cache = cache;
      this.atNs = nowNs;
    }
  }

  PeerCaches(TileNews news) {
    this.news = news;
  }

  /** What is known of the costs of a cache's model, whether it runs yet or not. */
  FetchCost cost(TileCache cache) {
    return costs.computeIfAbsent(cache, key -> new FetchCost());
  }

  /** Others can have its tiles from now on. */
  void add(ModelRuntime runtime, long nowNs) {
    if (runtime.cache() instanceof TileCache cache) {
      cache.listen(news);
      open.add(new Open(runtime, cache, nowNs));
    }
  }

  /** It is about to close. */
  void remove(ModelRuntime runtime) {
    open.removeIf(
        entry -> {
          boolean found = entry.runtime == runtime;
          if (found) {
            costs.remove(entry.cache);
          }
          return found;
        });
  }

  /** An open cache of this namespace, or null. */
  @Nullable TileCache find(String namespace) {
    for (Open entry : open) {
      if (entry.cache.namespace().hex().equals(namespace)) {
        return entry.cache;
      }
    }
    return null;
  }

  List<TileCache> all() {
    return open.stream().map(entry -> entry.cache).toList();
  }

  /** Takes in how many tokens were computed since the last call. Called by one thread. */
  void measure(long nowNs) {
    for (Open entry : open) {
      long tokens = entry.runtime.engine().stats().promptTokensComputed();
      if (tokens - entry.tokens >= MIN_TOKENS) {
        cost(entry.cache).computed(tokens - entry.tokens, nowNs - entry.atNs);
      }
      entry.tokens = tokens;
      entry.atNs = nowNs;
    }
  }
}
