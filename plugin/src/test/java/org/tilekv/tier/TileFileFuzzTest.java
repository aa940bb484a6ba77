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

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Parsers of files against what Jazzer makes of whole files; {@code benchmarks/fuzz.sh} runs it.
 * Not part of the build: Jazzer instruments every class of the process that it runs in.
 */
@Tag("slow")
class TileFileFuzzTest {
  private static TileFileParsing parsing;

  @BeforeAll
  static void open() throws IOException {
    parsing = new TileFileParsing();
  }

  @AfterAll
  static void close() throws IOException {
    parsing.close();
  }

  @MethodSource("tiles")
  @FuzzTest(maxDuration = "10m")
  void tileFile(byte[] data) throws IOException {
    parsing.tileFile(data);
  }

  @MethodSource("segments")
  @FuzzTest(maxDuration = "10m")
  void segmentFile(byte[] data) throws IOException {
    parsing.segmentFile(data);
  }

  @MethodSource("orders")
  @FuzzTest(maxDuration = "10m")
  void orderFile(byte[] data) throws IOException {
    parsing.orderFile(data);
  }

  static Stream<byte[]> tiles() throws IOException {
    return TileFileParsing.tiles().stream();
  }

  static Stream<byte[]> segments() throws IOException {
    return TileFileParsing.segments().stream();
  }

  static Stream<byte[]> orders() throws IOException {
    return TileFileParsing.orders().stream();
  }
}
