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
package org.tilekv.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Which pages are free. */
class PagePoolTest {

  @Test
  void aNewPoolHandsOutTheLowestPagesFirst() {
    PagePool pool = new PagePool(5);
    assertThat(pool.acquire(2)).containsExactly(0, 1);
    assertThat(pool.acquire(3)).containsExactly(2, 3, 4);
    assertThat(pool.freePages()).isZero();
    assertThat(pool.pages()).isEqualTo(5);
  }

  @Test
  void thePageFreedLastIsHandedOutFirst() {
    PagePool pool = new PagePool(4);
    pool.acquire(4);
    pool.release(new int[] {2});
    pool.release(new int[] {0});
    assertThat(pool.acquire(1)).containsExactly(0);
    assertThat(pool.acquire(1)).containsExactly(2);
  }

  @Test
  void aPoolThatIsTooSmallGivesNothing() {
    PagePool pool = new PagePool(3);
    pool.acquire(1);
    assertThat(pool.acquire(3)).isNull();
    assertThat(pool.freePages()).isEqualTo(2);
    assertThat(pool.acquire(0)).isEmpty();
    assertThat(pool.acquire(2)).containsExactly(1, 2);
    assertThat(pool.acquire(1)).isNull();
  }

  @Test
  void aPageGivenBackTwiceIsRefused() {
    PagePool pool = new PagePool(3);
    pool.acquire(2);
    pool.release(new int[] {1});
    assertThatThrownBy(() -> pool.release(new int[] {1}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("page 1 is given back twice");
    assertThatThrownBy(() -> pool.release(new int[] {2})).hasMessageContaining("page 2");
    pool.checkIntegrity();
  }

  @Test
  void aPoolHasAtLeastOnePage() {
    assertThatThrownBy(() -> new PagePool(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pages is 0; it must be at least 1");
  }

  @Test
  void behavesLikeASetOfFreePages() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    PagePool pool = new PagePool(37);
    BitSet taken = new BitSet();
    for (int call = 0; call < 20_000; call++) {
      String where = "seed " + seed + ", call " + call;
      int count = random.nextInt(6);
      if (random.nextBoolean()) {
        int[] pages = pool.acquire(count);
        assertThat(pages == null).as(where).isEqualTo(count > 37 - taken.cardinality());
        for (int page : pages == null ? new int[0] : pages) {
          assertThat(taken.get(page)).as(where).isFalse();
          taken.set(page);
        }
      } else {
        int[] pages = taken.stream().filter(page -> random.nextInt(4) == 0).toArray();
        pool.release(pages);
        Arrays.stream(pages).forEach(taken::clear);
      }
      assertThat(pool.freePages()).as(where).isEqualTo(37 - taken.cardinality());
      int page = random.nextInt(37);
      assertThat(pool.isFree(page)).as(where).isEqualTo(!taken.get(page));
      pool.checkIntegrity();
    }
  }
}
