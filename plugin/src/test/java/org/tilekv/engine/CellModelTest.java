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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.KvDtype;
import org.tilekv.llm.GoldenCheckpoint;
import org.tilekv.llm.GoldenCheckpoint.Case;
import org.tilekv.llm.HeadSlice;
import org.tilekv.llm.HfConfigReader;
import org.tilekv.llm.InvalidModelException;

/** Cells of threads: the engine leads, the others repeat. */
@Timeout(60)
class CellModelTest {

  private static final EngineConfig ENGINE = new EngineConfig(16, 256, 64, 1000, true, false);
  private static final long POOL_BYTES = 16 << 20;

  private static RuntimeOptions options(long poolBytes) {
    return new RuntimeOptions(
        16, KvDtype.FLOAT32, poolBytes, 1, 0, "auto", "auto", 60_000, null, ENGINE);
  }

  static Stream<Arguments> checkpointsAndShards() {
    return GoldenCheckpoint.all()
        .flatMap(
            golden ->
                Stream.of(2, 4)
                    .filter(shards -> allows(golden, shards))
                    .map(shards -> Arguments.of(golden, shards)));
  }

  private static boolean allows(GoldenCheckpoint golden, int shards) {
    try {
      HeadSlice.requireAllowed(HfConfigReader.read(golden.directory()), shards);
      return true;
    } catch (InvalidModelException e) {
      return false;
    }
  }

  @ParameterizedTest(name = "{0} by {1}")
  @MethodSource("checkpointsAndShards")
  void greedyTokensAndBeamsAreTheGoldenOnesColdAndWarm(GoldenCheckpoint golden, int shards)
      throws Exception {
    try (TestCell cell = new TestCell(golden.directory(), options(POOL_BYTES), shards)) {
      for (int job = 0; job < 2; job++) {
        boolean warm = job > 0;
        cell.run(
            runtime -> {
              assertGreedy(runtime, golden.cases(), warm);
              GoldenBeams.search(
                  runtime, golden.cases().stream().filter(c -> !c.beams().isEmpty()).toList(), 16);
              return null;
            });
        cell.checkCaches();
      }
    }
  }

  private static void assertGreedy(ModelRuntime runtime, List<Case> cases, boolean warm) {
    List<CompletableFuture<GenerationResult>> results =
        cases.stream()
            .map(
                c ->
                    runtime
                        .engine()
                        .submit(
                            GenerationRequest.greedy(
                                1, 1, c.prompt(), c.greedy().length, Set.of())))
            .toList();
    for (int i = 0; i < results.size(); i++) {
      GenerationResult result = results.get(i).join();
      assertThat(result.best().tokens()).isEqualTo(cases.get(i).greedy());
      if (warm) {
        int full = (cases.get(i).prompt().length - 1) / 16 * 16;
        assertThat(result.reusedTokens()).isGreaterThanOrEqualTo(full);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void recordsAreAnsweredInAPoolThatIsTooSmall(int shards) throws Exception {
    List<Records.Row> rows = Records.all().subList(0, 16);
    int tileBytes = 8 * 2 * 16 * 64 * Float.BYTES;
    try (TestCell cell = new TestCell(Records.MODEL, options(60L * tileBytes), shards)) {
      List<String> texts = cell.run(runtime -> Records.texts(runtime, rows, 1));
      assertThat(texts).isEqualTo(Records.expected(rows));
      assertThat(cell.member(0).engine().stats().preemptions()).isPositive();
      assertThat(cell.member(0).cache().stats().evictedTiles()).isPositive();
      cell.checkAlike();
    }
  }

  /** Every member sends its part of two sums per layer to every other one. */
  @Test
  void bytesOnTheWireAreThoseOfTheSums() throws Exception {
    List<Records.Row> rows = Records.all().subList(0, 2);
    try (TestCell cell = new TestCell(Records.MODEL, options(POOL_BYTES), 2)) {
      cell.run(runtime -> Records.texts(runtime, rows, 1));
      EngineStats stats = cell.member(0).engine().stats();
      long tokens = stats.promptTokensComputed() + stats.decodeRows();
      long sums = 2L * 8 * 256 * Float.BYTES;
      assertThat(cell.member(1).cellBytes()).isBetween(tokens * sums, tokens * sums + 200);
      assertThat(cell.member(0).cellBytes()).isBetween(tokens * sums, tokens * (sums + 64) + 2000);
    }
  }

  @Test
  void aMemberThatLeavesFailsTheRowsAndTheNextJobStartsAnew() throws Exception {
    List<Records.Row> rows = Records.all().subList(0, 8);
    try (TestCell cell = new TestCell(Records.MODEL, options(POOL_BYTES), 2)) {
      cell.run(runtime -> Records.texts(runtime, rows, 1));
      List<CellLink> links = new ArrayList<>(QueueLink.cell(2));
      links.set(1, new BreakingLink(links.get(1), 100));
      assertThatThrownBy(() -> cell.run(links, runtime -> Records.texts(runtime, rows, 1)))
          .hasMessageContaining("gone");
      cell.checkCaches();
      long reused = cell.member(0).engine().stats().promptTokensReused();
      List<String> texts = cell.run(runtime -> Records.texts(runtime, rows.subList(0, 1), 1));
      assertThat(texts).isEqualTo(Records.expected(rows.subList(0, 1)));
      assertThat(cell.member(0).engine().stats().promptTokensReused()).isEqualTo(reused);
      cell.checkCaches();
    }
  }

  @Test
  void membersThatAreNotAlikeDoNotBegin() throws Exception {
    try (TestCell cell = new TestCell(Records.MODEL, options(POOL_BYTES), 2);
        TestCell other = new TestCell(Records.MODEL, options(POOL_BYTES / 2), 2)) {
      List<QueueLink> links = QueueLink.cell(2);
      CompletableFuture<CellSession> follower =
          CompletableFuture.supplyAsync(
              () -> other.member(1).join(links.get(1), () -> {}), task -> new Thread(task).start());
      assertThatThrownBy(() -> cell.member(0).join(links.get(0), () -> {}))
          .isInstanceOf(CellException.class)
          .hasMessageContaining("not alike");
      assertThatThrownBy(follower::join).hasMessageContaining("groups=");
    }
  }

  /** Short and long vectors: all members get the same bits, those of the sum in rank order. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void sumsHaveTheSameBitsEverywhere(int size) {
    long seed = new Random().nextLong();
    for (int length : new int[] {1, 7, 300, CellAllReduce.LONG_ELEMENTS + 5}) {
      float[][] parts = new float[size][];
      float[] expected = new float[length];
      for (int rank = 0; rank < size; rank++) {
        Random random = new Random(seed + rank);
        parts[rank] = new float[length + 3];
        for (int i = 0; i < length; i++) {
          parts[rank][i + 2] = random.nextFloat() - 0.5f;
          expected[i] = rank == 0 ? parts[0][i + 2] : expected[i] + parts[rank][i + 2];
        }
      }
      List<QueueLink> links = QueueLink.cell(size);
      Stream.iterate(0, rank -> rank + 1)
          .limit(size)
          .map(
              rank ->
                  CompletableFuture.runAsync(
                      () -> sum(links.get(rank), parts[rank], length),
                      task -> new Thread(task).start()))
          .toList()
          .forEach(CompletableFuture::join);
      for (float[] part : parts) {
        assertThat(java.util.Arrays.copyOfRange(part, 2, length + 2))
            .as("seed %d, length %d", seed, length)
            .isEqualTo(expected);
        assertThat(part[0] + part[1] + part[length + 2]).isZero();
      }
    }
  }

  private static void sum(CellLink link, float[] values, int length) {
    CellAllReduce reduce = new CellAllReduce();
    reduce.attach(link);
    reduce.sum(values, 2, length);
  }

  /** Leaves after so many messages. */
  private static final class BreakingLink implements CellLink {
    private final CellLink link;
    private int left;

    BreakingLink(CellLink link, int messages) {
      this.link = link;
      this.left = messages;
    }

    @Override
    public int rank() {
      return link.rank();
    }

    @Override
    public int size() {
      return link.size();
    }

    @Override
    public void send(int to, ByteBuffer message) {
      if (left-- == 0) {
        link.close();
      }
      link.send(to, message);
    }

    @Override
    public @Nullable ByteBuffer poll(int from, long waitMs) {
      return link.poll(from, waitMs);
    }

    @Override
    public ByteBuffer receive(int from) {
      return link.receive(from);
    }

    @Override
    public long bytesSent() {
      return link.bytesSent();
    }

    @Override
    public void close() {
      link.close();
    }
  }
}
