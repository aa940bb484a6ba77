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
package org.tilekv.tier;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tilekv.config.DiskAdmission;

class AdmissionTest {
  private final Admission admission = new Admission(DiskAdmission.ADAPTIVE, 5000);

  @Test
  void theSecondOfferIsLetIn() {
    assertThat(offer(1)).isFalse();
    assertThat(offer(2)).isFalse();
    assertThat(offer(1)).isTrue();
  }

  @Test
  void aPlannedGroupIsLetInAtOnce() {
    assertThat(admission.admits(key(1), Reuse.PLANNED)).isTrue();
  }

  @Test
  void alwaysMeansAlways() {
    assertThat(new Admission(DiskAdmission.ALWAYS, 1).admits(key(1), Reuse.UNKNOWN)).isTrue();
  }

  @Test
  void dataUsedOnceIsNotWritten() {
    assertThat(IntStream.range(0, 100_000).filter(this::offer).count()).isZero();
  }

  @Test
  void whereMostComesBackFirstOffersAreLetIn() {
    int letIn = 0;
    for (int i = 0; i < 1000; i++) {
      letIn += offer(i) ? 1 : 0;
      admission.asked(key(i));
    }
    assertThat(letIn).isEqualTo(1000 - 45);
  }

  @Test
  void whenReuseEndsFirstOffersAreRefusedAgain() {
    whereMostComesBackFirstOffersAreLetIn();
    long letIn = IntStream.range(1000, 100_000).filter(this::offer).count();
    assertThat(letIn).isBetween(1024L, 1100L);
    assertThat(admission.reuseShare()).isLessThan(0.01);
  }

  @Test
  void askingOftenCountsOnce() {
    offer(1);
    IntStream.range(0, 1000).forEach(i -> admission.asked(key(1)));
    assertThat(admission.reuseShare()).isEqualTo(1.0 / 64);
  }

  @Test
  void memoryIsBounded() {
    offer(1);
    IntStream.range(2, 5001).forEach(this::offer);
    assertThat(offer(1)).isTrue();
    IntStream.range(10_000, 15_001).forEach(this::offer);
    assertThat(offer(1)).isFalse();
  }

  private boolean offer(int i) {
    return admission.admits(key(i), Reuse.UNKNOWN);
  }

  private static GroupKey key(int i) {
    return new GroupKey(i, 0, 0, 0);
  }
}
