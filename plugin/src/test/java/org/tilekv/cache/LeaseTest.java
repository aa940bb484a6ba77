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
import static org.tilekv.cache.TestCaches.TTL_MS;
import static org.tilekv.cache.TestCaches.open;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;

/** Sequences whose owner is gone, on a clock that the test moves. */
class LeaseTest {

  private final AtomicLong clockMs = new AtomicLong();

  @ParameterizedTest
  @ValueSource(longs = {-1_000_000, -50, 0, 1_000_000})
  void aLeaseEndsAfterItsTimeWhateverTheClocksOrigin(long originMs) {
    clockMs.set(originMs);
    try (TileCache cache = TestCaches.cache(4, 4, clockMs)) {
      KvSequence sequence = open(cache, 1, 2);
      assertThat(sequence.reserve(2)).isTrue();
      clockMs.addAndGet(TTL_MS);
      assertThat(cache.expireLeases()).as("not after its end yet").isZero();
      clockMs.addAndGet(1);
      assertThat(cache.expireLeases()).isEqualTo(1);
      assertThat(cache.expireLeases()).isZero();
      assertThat(cache.stats().expiredLeases()).isEqualTo(1);
      assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
      assertThatThrownBy(() -> sequence.reserve(2)).hasMessageContaining("its lease ran out");
      cache.checkIntegrity();
    }
  }

  @Test
  void everythingThatTheOwnerDoesRenewsTheLease() {
    try (TileCache cache = TestCaches.cache(4, 4, clockMs)) {
      KvSequence idle = open(cache, 1);
      KvSequence reserves = open(cache, 2);
      KvSequence commits = open(cache, 3);
      KvSequence renews = open(cache, 4);
      assertThat(commits.reserve(1)).isTrue();
      clockMs.addAndGet(TTL_MS);
      assertThat(reserves.reserve(1)).isTrue();
      commits.commit(0, new int[] {3}, 0, 1);
      renews.renewLease();
      clockMs.addAndGet(TTL_MS);
      assertThat(cache.expireLeases()).isEqualTo(1);
      assertThatThrownBy(idle::renewLease).hasMessageContaining("is closed");
      clockMs.addAndGet(1);
      assertThat(cache.expireLeases()).isEqualTo(3);
    }
  }

  @Test
  void aLeaseMayLastForEver() {
    clockMs.set(1_000);
    TileCacheOptions base = TestCaches.options(KvDtype.INT8, 2, 1, clockMs);
    TileCacheOptions options =
        new TileCacheOptions(
            base.geometry(), 4, 1, 8, base.namespace(), Long.MAX_VALUE, true, clockMs::get);
    try (TileCache cache = TileCache.create(options)) {
      open(cache, 1);
      clockMs.set(Long.MAX_VALUE);
      assertThat(cache.expireLeases()).isZero();
    }
  }
}
