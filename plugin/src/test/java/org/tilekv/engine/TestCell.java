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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** All members of a cell in one process, each followed by a thread of its own. */
final class TestCell implements AutoCloseable {

  // These depend on how many heads a member has.
  private static final String[] PER_HEAD = {
    "copiedPages", "pages", "freePages", "residentPages", "peakPinnedPages", "peakTableReferences"
  };

  private final List<CellModel> members = new ArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  TestCell(Path model, RuntimeOptions options, int shards) {
    for (int rank = 0; rank < shards; rank++) {
      HeadShard shard = new HeadShard(rank, shards, 0);
      members.add(
          (CellModel) ModelRuntimes.open(model, options.ofMember(shard, options.poolBytes(), 1)));
    }
  }

  CellModel member(int rank) {
    return members.get(rank);
  }

  /** Runs one job over new links; every member ends well, or this throws. */
  <T> T run(Function<ModelRuntime, T> job) throws Exception {
    return run(QueueLink.cell(members.size()), job);
  }

  <T> T run(List<? extends CellLink> links, Function<ModelRuntime, T> job) throws Exception {
    List<CompletableFuture<Void>> followers = new ArrayList<>();
    for (int rank = 1; rank < members.size(); rank++) {
      CellModel member = members.get(rank);
      CellLink link = links.get(rank);
      followers.add(CompletableFuture.runAsync(() -> follow(member, link), threads));
    }
    T result;
    try (CellSession session = members.get(0).join(links.get(0), () -> {})) {
      result = job.apply(members.get(0));
      session.finish();
    }
    for (CompletableFuture<Void> follower : followers) {
      follower.get(20, TimeUnit.SECONDS);
    }
    return result;
  }

  private static void follow(CellModel member, CellLink link) {
    try (CellSession session = member.join(link, () -> {})) {
      session.follow(() -> {});
    }
  }

  /** Every cache is whole, and nobody holds a page. */
  void checkCaches() {
    for (CellModel member : members) {
      member.cache().checkIntegrity();
      if (member.cache().stats().pinnedPages() != 0) {
        throw new AssertionError("pages are pinned: " + member.cache().stats());
      }
    }
  }

  /** As {@link #checkCaches}; and all of them counted the same and hold as many tiles. */
  void checkAlike() {
    checkCaches();
    for (CellModel member : members) {
      assertThat(member.cache().stats())
          .usingRecursiveComparison()
          .ignoringFields(PER_HEAD)
          .isEqualTo(members.get(0).cache().stats());
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
    members.forEach(CellModel::close);
  }
}
