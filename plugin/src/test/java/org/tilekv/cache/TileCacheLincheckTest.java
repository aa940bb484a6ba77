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

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.ThreadIdGen;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.Namespace;
import org.tilekv.prefix.TileName;

/**
 * Whatever threads do at once could have been done one after the other: two threads, each with a
 * sequence of its own, over three pages of one token each, so that they share, miss, evict and run
 * out of room.
 */
@Param(name = "me", gen = ThreadIdGen.class)
@Param(name = "prompt", gen = IntGen.class, conf = "0:2")
public class TileCacheLincheckTest {

  private static final int[][] PROMPTS = {{1, 2, 3}, {1, 2, 4}, {5, 6, 7}};
  private static final int FULL_TABLE = -1;
  private static final int NOT_OPEN = -2;

  private final TileCache cache =
      TileCache.create(
          new TileCacheOptions(
              new TileGeometry(1, 1, 1, 1, KvDtype.INT8),
              3,
              2,
              3,
              Namespace.builder().build(),
              1,
              true,
              () -> 0));
  private final @Nullable KvSequence[] sequences = new KvSequence[4];
  private final int[][] prompts = new int[4][];

  /** Starts with a full pool and one open sequence, so that the next page has to be evicted. */
  public TileCacheLincheckTest() {
    KvSequence first = cache.open(new SequenceRequest(PROMPTS[2], 0, null, true));
    if (first == null || !first.reserve(3)) {
      throw new AssertionError("an empty cache has no room");
    }
    first.commit(0, PROMPTS[2], 0, 3);
    first.close();
    open(1, 0);
  }

  /** Opens this thread's sequence: tokens found. */
  @Operation
  public int open(@Param(name = "me") int me, @Param(name = "prompt") int prompt) {
    if (sequences[me] != null) {
      return NOT_OPEN;
    }
    prompts[me] = PROMPTS[prompt];
    sequences[me] = cache.open(new SequenceRequest(PROMPTS[prompt], me, null, true));
    return sequences[me] == null ? FULL_TABLE : sequences[me].cachedTokens();
  }

  /** Makes room for one token more. */
  @Operation
  public boolean reserve(@Param(name = "me") int me) {
    KvSequence sequence = sequences[me];
    return sequence != null && sequence.length() < 3 && sequence.reserve(sequence.length() + 1);
  }

  /** Commits the prompt's next token: the length then. */
  @Operation
  public int commit(@Param(name = "me") int me) {
    KvSequence sequence = sequences[me];
    if (sequence == null) {
      return NOT_OPEN;
    }
    try {
      sequence.commit(0, prompts[me], sequence.length(), 1);
    } catch (RuntimeException e) {
      return NOT_OPEN;
    }
    return sequence.length();
  }

  @Operation
  public void close(@Param(name = "me") int me) {
    KvSequence sequence = sequences[me];
    if (sequence != null) {
      sequence.close();
      sequences[me] = null;
    }
  }

  @Operation
  public int resident(@Param(name = "prompt") int prompt) {
    return cache.probe(new SequenceRequest(PROMPTS[prompt], 0, null, true)).residentTokens();
  }

  @Operation
  public int availablePages() {
    return cache.availablePages();
  }

  @Operation
  public int clear() {
    return cache.clear();
  }

  @Test
  void linearizableInEveryInterleavingTried() {
    new ModelCheckingOptions()
        .iterations(16)
        .invocationsPerIteration(30)
        .threads(2)
        .actorsPerThread(4)
        // Names are pure functions of tokens: nothing to interleave, and much to trace.
        .addGuarantee(
            forClasses(ChainHash.class.getName(), TileName.class.getName()).allMethods().ignore())
        .check(TileCacheLincheckTest.class);
  }
}
