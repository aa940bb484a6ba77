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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.PrefixSource;

class BestSourceTest {
  private final FakeKvCache cache = new FakeKvCache(10, 2, 4, 64);
  private final List<String> asked = new ArrayList<>();

  private final class Named implements PrefixSource {
    private final String name;
    private final int tokens;
    private final CompletableFuture<Void> end = new CompletableFuture<>();

    private Named(String name, int tokens) {
      this.name = name;
      this.tokens = tokens;
    }

    @Override
    public int loadableTokens(SequenceRequest request, int residentTokens) {
      return Math.max(residentTokens, tokens);
    }

    @Override
    public CompletableFuture<Void> load(SequenceRequest request) {
      asked.add(name);
      return end;
    }
  }

  @Test
  void asksTheOneThatHasMostAndThenTheOthers() {
    Named little = new Named("little", 8);
    Named much = new Named("much", 32);
    Named nothing = new Named("nothing", 0);
    PrefixSource best = BestSource.of(cache, List.of(little, nothing, much));
    SequenceRequest request = new SequenceRequest(new int[40], 1, null, true);
    assertThat(best).isNotNull();
    assertThat(best.loadableTokens(request, 4)).isEqualTo(32);
    CompletableFuture<Void> end = best.load(request);
    assertThat(asked).containsExactly("much");
    much.end.complete(null);
    assertThat(asked).containsExactly("much", "little");
    assertThat(end).isNotDone();
    little.end.complete(null);
    assertThat(end).isDone();
  }

  @Test
  void oneSourceNeedsNoOther() {
    Named only = new Named("only", 8);
    assertThat(BestSource.of(cache, List.of(only))).isSameAs(only);
    assertThat(BestSource.of(cache, List.of())).isNull();
  }
}
