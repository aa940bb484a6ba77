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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.PrefixSource;

/** Holds every prompt's tiles; a load ends when the test says so, with as many as it says. */
final class FakeSource implements PrefixSource {
  final List<Load> loads = new ArrayList<>();
  int asked;
  boolean broken;
  long computedTokens;
  int mostTokens = Integer.MAX_VALUE;

  private final FakeKvCache cache;

  FakeSource(FakeKvCache cache) {
    this.cache = cache;
  }

  /** A load under way; it may pin pages as a real one does. */
  final class Load {
    final SequenceRequest request;
    final CompletableFuture<Void> future = new CompletableFuture<>();
    private @Nullable KvSequence sequence;

    Load(SequenceRequest request) {
      this.request = request;
    }

    /** Puts tiles up to {@code tokens} in place, as far as there is room, and keeps them pinned. */
    void fill(int tokens) {
      if (sequence != null) {
        return;
      }
      int tileTokens = cache.geometry().tileTokens();
      int[] prompt = request.prompt();
      sequence =
          Objects.requireNonNull(
              cache.open(new SequenceRequest(prompt, -1, request.salt(), true)), "no row");
      int whole = Math.min(tokens, prompt.length) / tileTokens * tileTokens;
      while (sequence.length() < whole && sequence.reserve(sequence.length() + 1)) {
        int at = sequence.length();
        cache.write(sequence.row(0), at, prompt[at]);
        sequence.commit(0, prompt, at, 1);
      }
    }

    void end() {
      if (sequence != null) {
        sequence.close();
      }
      future.complete(null);
    }
  }

  @Override
  public int loadableTokens(SequenceRequest request, int residentTokens) {
    asked++;
    if (broken) {
      throw new IllegalStateException("the source is broken");
    }
    int tileTokens = cache.geometry().tileTokens();
    int whole = (request.prompt().length - 1) / tileTokens * tileTokens;
    return Math.max(residentTokens, Math.min(whole, mostTokens));
  }

  @Override
  public CompletableFuture<Void> load(SequenceRequest request) {
    for (Load load : loads) {
      if (!load.future.isDone() && Arrays.equals(load.request.prompt(), request.prompt())) {
        return load.future;
      }
    }
    Load load = new Load(request);
    loads.add(load);
    return load.future;
  }

  @Override
  public void computed(int tokens, long nanos) {
    computedTokens += tokens;
  }
}
