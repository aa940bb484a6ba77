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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.tilekv.KvCache.PrefixProbe;
import org.tilekv.KvDtype;
import org.tilekv.prefix.Namespace;

/** What a cache can be made of. */
class TileCacheOptionsTest {

  @Test
  void wrongValuesAreRefusedByName() {
    requireRefused(() -> options(1, 1, 1, 1, true), "pages is 1; one tile index alone needs 2");
    requireRefused(() -> options(2, 0, 1, 1, true), "rows is 0; it must be at least 1");
    requireRefused(() -> options(2, 1, 0, 1, true), "maxTiles is 0; it must be at least 1");
    requireRefused(() -> options(2, 1, 1, 0, true), "leaseTtlMs is 0; it must be at least 1");
    assertThat(options(2, 1, 1, 1, true).pages()).isEqualTo(2);
  }

  @Test
  void withoutPrefixReuseNothingIsNamedOrFound() {
    try (TileCache cache = TileCache.create(options(20, 2, 8, 100, false))) {
      TestCaches.compute(cache, 1, 2, 3, 4, 5);
      TestCaches.compute(cache, 1, 2, 3, 4, 5);
      assertThat(cache.probe(TestCaches.request(1, 2, 3, 4, 5))).isEqualTo(new PrefixProbe(0, 0));
      assertThat(cache.stats().publishedTiles()).isZero();
      assertThat(cache.stats().missedTiles()).isEmpty();
      assertThat(cache.stats().freePages()).isEqualTo(20);
      cache.checkIntegrity();
    }
  }

  private static void requireRefused(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }

  private static TileCacheOptions options(
      int pages, int rows, int maxTiles, long leaseTtlMs, boolean prefixReuse) {
    return new TileCacheOptions(
        TestCaches.geometry(KvDtype.INT8),
        pages,
        rows,
        maxTiles,
        Namespace.builder().build(),
        leaseTtlMs,
        prefixReuse,
        () -> 0);
  }
}
