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

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.CacheModel.Path;

/** One thread's sequences of a cache that it shares with others. */
final class CacheWorker {

  private static final int MAX_TOKENS = 8 * TestCaches.TILE_TOKENS;

  long opened;
  long promptTokens;
  long reusedTokens;
  private final TileCache cache;
  private final Prompts prompts;
  private final long owner;
  private final Random random;
  private final TilePatterns patterns;
  private final Runnable also;
  private final List<TrackedSequence> open = new ArrayList<>();
  private final Set<Path> published = new HashSet<>();

  /** A worker that does something else too between its calls. */
  CacheWorker(TileCache cache, Prompts prompts, long owner, Random random, Runnable also) {
    this.cache = cache;
    this.also = also;
    this.prompts = prompts;
    this.owner = owner;
    this.random = random;
    patterns = new TilePatterns(cache.kvMemory());
  }

  List<TrackedSequence> open() {
    return open;
  }

  /** Names of all full tiles that this thread has committed. */
  Set<Path> published() {
    return published;
  }

  /** Makes random calls. */
  void work(int calls) {
    for (int call = 0; call < calls; call++) {
      int choice = random.nextInt(100);
      if (open.isEmpty() || (choice < 20 && open.size() < 6)) {
        openOne();
      } else if (choice < 22) {
        assertThat(cache.releaseOwner(owner)).isEqualTo(open.size());
        open.clear();
      } else if (choice < 26) {
        look();
      } else {
        step(open.get(random.nextInt(open.size())), choice);
      }
    }
  }

  private void openOne() {
    SequenceRequest request = prompts.next(random, owner);
    KvSequence sequence = cache.open(request);
    if (sequence != null) {
      open.add(new TrackedSequence(sequence, request, patterns));
      opened++;
      promptTokens += request.prompt().length;
      reusedTokens += sequence.cachedTokens();
    }
  }

  private void look() {
    SequenceRequest request = prompts.next(random, owner);
    int resident = cache.probe(request).residentTokens();
    also.run();
    assertThat(resident).isBetween(0, request.prompt().length - 1);
    assertThat(cache.expireLeases()).isZero();
    assertThat(cache.availablePages()).isBetween(0, cache.stats().pages());
  }

  private void step(TrackedSequence sequence, int choice) {
    sequence.verify("before a step");
    if (choice < 38) {
      sequence.sequence.close();
      open.remove(sequence);
    } else if (choice < 46) {
      int beams = 1 + random.nextInt(3);
      if (sequence.beams() == 1 && sequence.sequence.fork(beams)) {
        sequence.forked(beams);
      }
    } else if (choice < 54) {
      int[] parents = Prompts.parents(random, sequence.beams());
      sequence.sequence.reorder(parents);
      sequence.reordered(parents);
    } else {
      write(sequence);
    }
  }

  private void write(TrackedSequence sequence) {
    int length = Math.min(MAX_TOKENS, sequence.length() + 1 + random.nextInt(7));
    if (length > sequence.length() && sequence.sequence.reserve(length)) {
      sequence.verify("reserved");
      int count = random.nextInt(length - sequence.length() + 1);
      int first = sequence.length() - sequence.length() % TestCaches.TILE_TOKENS;
      sequence.write(Prompts.continuations(random, sequence, count));
      remember(sequence, first + TestCaches.TILE_TOKENS);
    }
  }

  private void remember(TrackedSequence sequence, int from) {
    if (sequence.request.reusePrefix()) {
      for (int beam = 0; beam < sequence.beams(); beam++) {
        for (int to = from; to <= sequence.length(); to += TestCaches.TILE_TOKENS) {
          published.add(
              new Path(sequence.request.salt(), CacheModel.list(sequence.tokens(beam), to)));
        }
      }
    }
  }

  void verify() {
    open.forEach(sequence -> sequence.verify("after a round"));
  }

  /** Renews the leases of half of the sequences and forgets the others. */
  int renewSome() {
    List<TrackedSequence> dropped = new ArrayList<>();
    for (TrackedSequence sequence : List.copyOf(open)) {
      if (random.nextBoolean()) {
        sequence.sequence.renewLease();
      } else {
        dropped.add(sequence);
      }
    }
    open.removeAll(dropped);
    return dropped.size();
  }

  void closeAll() {
    open.forEach(sequence -> sequence.sequence.close());
    open.clear();
  }
}
