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
package org.tilekv.engine;

import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvCache;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.PrefixSource;

/**
 * Several sources as one: the one that can load most is asked first, the others, in falling order,
 * for what is missing after it.
 */
final class BestSource implements PrefixSource {

  private final KvCache cache;
  private final List<PrefixSource> sources;

  private BestSource(KvCache cache, List<PrefixSource> sources) {
    this.cache = cache;
    this.sources = sources;
  }

  /** All sources of a cache as one, or null where there is none. */
  static @Nullable PrefixSource of(KvCache cache, List<PrefixSource> sources) {
    return switch (sources.size()) {
      case 0 -> null;
      case 1 -> sources.get(0);
      default -> new BestSource(cache, List.copyOf(sources));
    };
  }

  private record Offer(PrefixSource source, int tokens) {}

  @Override
  public int loadableTokens(SequenceRequest request, int residentTokens) {
    int most = residentTokens;
    for (PrefixSource source : sources) {
      most = Math.max(most, source.loadableTokens(request, residentTokens));
    }
    return most;
  }

  @Override
  public CompletableFuture<Void> load(SequenceRequest request) {
    int resident = cache.probe(request).residentTokens();
    List<Offer> offers =
        sources.stream()
            .map(source -> new Offer(source, source.loadableTokens(request, resident)))
            .filter(offer -> offer.tokens > resident)
            .sorted(Comparator.comparingInt(Offer::tokens).reversed())
            .toList();
    CompletableFuture<Void> loaded = CompletableFuture.completedFuture(null);
    for (Offer offer : offers) {
      loaded = loaded.thenCompose(done -> offer.source.load(request));
    }
    return loaded;
  }

  @Override
  public void computed(int tokens, long nanos) {
    sources.forEach(source -> source.computed(tokens, nanos));
  }

  /** Each source is closed by whoever opened it. */
  @Override
  public void close() {}
}
