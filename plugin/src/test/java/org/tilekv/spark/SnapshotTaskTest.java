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
package org.tilekv.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.TileCache;
import org.tilekv.spark.ExecutorRuntimes.OpenModel;
import org.tilekv.tier.SnapshotHeader;

class SnapshotTaskTest {

  @TempDir Path folder;

  @Test
  void modelsOfOneNamespaceDoNotOverwriteEachOther() throws Exception {
    Random random = new Random(1);
    SequenceRequest first = PeerFixtures.request(random, 3, null);
    SequenceRequest second = PeerFixtures.request(random, 5, null);
    try (TileCache one = PeerFixtures.cache(16);
        TileCache two = PeerFixtures.cache(16);
        TileCache loaded = PeerFixtures.cache(16)) {
      PeerFixtures.fill(one, first, random);
      PeerFixtures.fill(two, second, random);
      SnapshotFiles files = new SnapshotFiles(folder.toUri().toString(), new Configuration());
      List<OpenModel> models =
          List.of(
              new OpenModel("/a", new FakeRuntime(() -> one)),
              new OpenModel("/b", new FakeRuntime(FakeCache::new)),
              new OpenModel("/c", new FakeRuntime(() -> two)));
      assertThat(SnapshotTask.save("7", models, files))
          .isEqualTo(SnapshotReport.of("7", 2, 0, 8, 0, ""));
      SnapshotHeader header =
          new SnapshotHeader(
              HexFormat.of().parseHex(FakeRuntime.NAMESPACE), loaded.geometry(), "a");
      assertThat(files.load(loaded, header).tiles()).isEqualTo(8);
      assertThat(PeerFixtures.sameTiles(one, loaded, first)).isEqualTo(3);
      assertThat(PeerFixtures.sameTiles(two, loaded, second)).isEqualTo(5);
    }
  }

  @Test
  void oneTaskDoesAnExecutorsPart() {
    SnapshotClaims claims = new SnapshotClaims();
    assertThat(claims.take("a")).isTrue();
    assertThat(claims.take("a")).isFalse();
    assertThat(claims.take("b")).isTrue();
    claims.giveBack("a");
    assertThat(claims.take("a")).as("after a failure").isTrue();
    for (int i = 0; i < SnapshotClaims.MOST; i++) {
      assertThat(claims.take("later " + i)).isTrue();
      assertThat(claims.take("later " + i)).isFalse();
    }
    assertThat(claims.take("b")).as("forgotten").isTrue();
  }
}
