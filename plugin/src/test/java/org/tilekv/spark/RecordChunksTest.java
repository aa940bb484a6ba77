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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RecordChunksTest {

  @Test
  void recordsComeBackFromFewChunks() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 20; round++) {
      List<byte[]> records = records(random);
      List<byte[]> chunks = new ArrayList<>();
      RecordChunks.pack(records.iterator()).forEachRemaining(chunks::add);
      long bytes = records.stream().mapToLong(record -> record.length + 4).sum();
      assertThat(chunks).as("seed %d", seed).hasSizeLessThanOrEqualTo((int) (bytes >> 17) + 1);
      List<byte[]> back = new ArrayList<>();
      RecordChunks.unpack(chunks.iterator()).forEachRemaining(back::add);
      assertThat(back).as("seed %d", seed).hasSameSizeAs(records);
      for (int i = 0; i < back.size(); i++) {
        assertThat(Arrays.equals(back.get(i), records.get(i))).as("seed %d: %d", seed, i).isTrue();
      }
    }
  }

  private static List<byte[]> records(Random random) {
    List<byte[]> records = new ArrayList<>();
    int most = 1 << random.nextInt(19);
    for (int left = random.nextInt(100); left > 0; left--) {
      byte[] record = new byte[random.nextInt(8) == 0 ? 0 : random.nextInt(most)];
      random.nextBytes(record);
      records.add(record);
    }
    return records;
  }

  @Test
  void noMoreIsReadThanAChunkNeeds() {
    Iterator<byte[]> endless = Stream.generate(() -> new byte[1000]).iterator();
    Iterator<byte[]> records = RecordChunks.unpack(RecordChunks.pack(endless));
    for (int i = 0; i < 1_000; i++) {
      assertThat(records.next()).hasSize(1000);
    }
  }

  @Test
  void nothingComesFromNothing() {
    assertThat(RecordChunks.pack(List.<byte[]>of().iterator()).hasNext()).isFalse();
    Iterator<byte[]> none = RecordChunks.unpack(List.<byte[]>of().iterator());
    assertThat(none.hasNext()).isFalse();
    assertThatThrownBy(none::next).isInstanceOf(NoSuchElementException.class);
  }
}
