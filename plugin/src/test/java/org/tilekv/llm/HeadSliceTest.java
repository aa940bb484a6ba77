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
package org.tilekv.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tilekv.coordinator.HeadRange;
import org.tilekv.llm.GoldenCheckpoint.Case;

/** A model in parts, each run by a thread, against the whole one. */
class HeadSliceTest {

  private static final float TOLERANCE = 2e-3f;
  private static final int TILE = 16;
  private static final int WHOLE = Integer.MAX_VALUE;

  static Stream<Arguments> checkpointsAndShards() {
    return GoldenCheckpoint.all()
        .flatMap(
            golden ->
                Stream.of(2, 3, 4)
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

  @ParameterizedTest(name = "{0} in {1} parts")
  @MethodSource("checkpointsAndShards")
  void partsTogetherGiveTheLogitsAndTokensOfTheWhole(GoldenCheckpoint golden, int shards) {
    List<AllReduce> members = new ThreadsReduce(shards).members();
    List<GoldenRun> runs = new ArrayList<>();
    ExecutorService threads = Executors.newFixedThreadPool(shards);
    try {
      for (int rank = 0; rank < shards; rank++) {
        runs.add(GoldenRun.ofPart(golden, TILE, rank, shards, members.get(rank)));
      }
      float worst = 0;
      for (Case c : golden.cases()) {
        worst = Math.max(worst, check(runs, threads, c));
      }
      System.out.printf(
          "golden %s in %d parts: %d prompts, greedy tokens equal, logits within %.1e%n",
          golden, shards, golden.cases().size(), worst);
    } finally {
      threads.shutdownNow();
      runs.forEach(GoldenRun::close);
    }
  }

  private static float check(List<GoldenRun> runs, ExecutorService threads, Case c) {
    int[] fed = Arrays.copyOf(c.greedy(), c.greedy().length - 1);
    List<CompletableFuture<float[][]>> all =
        runs.stream()
            .map(
                run ->
                    CompletableFuture.supplyAsync(
                        () -> run.logits(c.prompt(), fed, WHOLE), threads))
            .toList();
    all.forEach(CompletableFuture::join);
    float[][] logits = all.get(0).join();
    float worst = 0;
    for (int i = 0; i < logits[0].length; i++) {
      assertThat(logits[0][i]).isCloseTo(c.lastLogits()[i], within(TOLERANCE));
      worst = Math.max(worst, Math.abs(logits[0][i] - c.lastLogits()[i]));
    }
    for (int step = 0; step < logits.length; step++) {
      assertThat(GoldenRun.highest(logits[step])).as("token %d", step).isEqualTo(c.greedy()[step]);
    }
    return worst;
  }

  @Test
  void rangesAreThoseOfTheShardMap() {
    ModelConfig config = config("llama-9q-3kv-biases-shards");
    for (int shards = 1; shards <= 3; shards++) {
      for (int rank = 0; rank < shards; rank++) {
        HeadSlice slice = new HeadSlice(config, rank, shards);
        assertThat(new HeadRange(slice.firstKvHead(), slice.kvHeads()))
            .isEqualTo(HeadRange.of(3, shards, rank));
      }
    }
  }

  @Test
  void moreMembersThanKvHeadsShareThem() {
    ModelConfig config = config("tiny-llama");
    for (int rank = 0; rank < 4; rank++) {
      HeadSlice slice = new HeadSlice(config, rank, 4);
      assertThat(slice.firstKvHead()).isEqualTo(rank / 2);
      assertThat(slice.config().kvHeads()).isEqualTo(1);
      assertThat(slice.config().queryHeads()).isEqualTo(1);
    }
  }

  @Test
  void othersAreRefusedByName() {
    assertThatThrownBy(() -> HeadSlice.requireAllowed(config("tiny-llama"), 3))
        .isInstanceOf(InvalidModelException.class)
        .hasMessage("headShards is 3; a model of 2 KV heads and 4 query heads allows [1, 2, 4]");
    assertThatThrownBy(() -> HeadSlice.requireAllowed(config("llama-9q-3kv-biases-shards"), 4))
        .hasMessageContaining("allows [1, 2, 3, 9]");
  }

  private static ModelConfig config(String name) {
    return HfConfigReader.read(java.nio.file.Path.of("src/test/resources/golden", name));
  }
}
