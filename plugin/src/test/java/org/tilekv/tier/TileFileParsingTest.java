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

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The short form of {@link TileFileFuzzTest}: its seeds, and seeded damage to them. */
class TileFileParsingTest {
  private static final int ROUNDS = 1_000;

  @Test
  void tileFiles() throws IOException {
    try (TileFileParsing parsing = new TileFileParsing()) {
      everyWay(TileFileParsing.tiles(), parsing::tileFile);
    }
  }

  @Test
  void segmentFiles() throws IOException {
    try (TileFileParsing parsing = new TileFileParsing()) {
      everyWay(TileFileParsing.segments(), parsing::segmentFile);
    }
  }

  @Test
  void orderFiles() throws IOException {
    try (TileFileParsing parsing = new TileFileParsing()) {
      everyWay(TileFileParsing.orders(), parsing::orderFile);
    }
  }

  private interface Parser {
    void parse(byte[] data) throws IOException;
  }

  private static void everyWay(List<byte[]> seeds, Parser parser) throws IOException {
    for (byte[] seed : seeds) {
      parser.parse(seed);
    }
    for (int round = 0; round < ROUNDS; round++) {
      byte[] data = damaged(seeds, new Random(round));
      try {
        parser.parse(data);
      } catch (RuntimeException | IOException | AssertionError e) {
        throw new AssertionError("seed " + round + ": " + e.getMessage(), e);
      }
    }
  }

  private static byte[] damaged(List<byte[]> seeds, Random random) {
    byte[] data = seeds.get(random.nextInt(seeds.size())).clone();
    for (int i = random.nextInt(4); i >= 0 && data.length > 0; i--) {
      int near = random.nextBoolean() ? Math.min(data.length, 300) : data.length;
      data[random.nextInt(near)] = (byte) (random.nextBoolean() ? -1 : random.nextInt());
    }
    int length = random.nextInt(8) == 0 ? random.nextInt(data.length + 100) : data.length;
    byte[] cut = Arrays.copyOf(data, length);
    if (length > 0) {
      cut[length - 1] = (byte) random.nextInt(2);
    }
    return cut;
  }
}
