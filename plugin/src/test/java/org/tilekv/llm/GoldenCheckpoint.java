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

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A checkpoint whose answers are known: {@code expected.json} lies beside its {@code config.json}.
 *
 * @param directory Hugging Face directory
 * @param cases prompts and answers
 */
public record GoldenCheckpoint(Path directory, List<Case> cases) {

  private static final String EXPECTED = "expected.json";
  private static final Path OWN = Path.of("src/test/resources/golden");

  /**
   * One prompt and what follows it.
   *
   * @param prompt token ids
   * @param lastLogits logits of the prompt's last token
   * @param greedy tokens of greedy decoding, an end token that stopped it included
   * @param beams four beams, best first, filled up with the end token
   * @param beamScores scores of the beams
   */
  public record Case(
      int[] prompt, float[] lastLogits, int[] greedy, List<int[]> beams, double[] beamScores) {}

  /** The project's own ones and all below the directory that {@code tilekv.golden.dir} names. */
  public static Stream<GoldenCheckpoint> all() {
    String more = System.getProperty("tilekv.golden.dir");
    Stream<Path> roots =
        more == null ? Stream.of(OWN) : Stream.of(OWN, inRepository(Path.of(more)));
    return roots.flatMap(GoldenCheckpoint::below);
  }

  /** Tests run in their module; a relative directory may also be meant from the repository. */
  private static Path inRepository(Path directory) {
    Path above = Path.of("..").resolve(directory);
    return Files.exists(directory) || !Files.exists(above) ? directory : above;
  }

  private static Stream<GoldenCheckpoint> below(Path root) {
    try (Stream<Path> files = Files.walk(root, FileVisitOption.FOLLOW_LINKS)) {
      List<Path> found =
          files.filter(file -> file.endsWith(EXPECTED)).map(Path::getParent).sorted().toList();
      if (found.isEmpty()) {
        throw new IllegalStateException("no " + EXPECTED + " below " + root.toAbsolutePath());
      }
      return found.stream().map(GoldenCheckpoint::read);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + root.toAbsolutePath(), e);
    }
  }

  /** Reads {@code expected.json} of one checkpoint. */
  public static GoldenCheckpoint read(Path directory) {
    try {
      JsonNode root = new ObjectMapper().readTree(directory.resolve(EXPECTED).toFile());
      return new GoldenCheckpoint(
          directory, elements(root.get("cases")).map(GoldenCheckpoint::readCase).toList());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + directory.resolve(EXPECTED), e);
    }
  }

  private static Case readCase(JsonNode node) {
    double[] logits = doubles(node.get("last_logits"));
    float[] lastLogits = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      lastLogits[i] = (float) logits[i];
    }
    return new Case(
        ints(node.get("prompt")),
        lastLogits,
        ints(node.get("greedy")),
        elements(node.path("beam4")).map(GoldenCheckpoint::ints).toList(),
        doubles(node.path("beam4_scores")));
  }

  private static Stream<JsonNode> elements(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  private static int[] ints(JsonNode array) {
    return elements(array).mapToInt(JsonNode::intValue).toArray();
  }

  private static double[] doubles(JsonNode array) {
    return elements(array).mapToDouble(JsonNode::doubleValue).toArray();
  }

  /** Name of the directory, for test reports. */
  @Override
  public String toString() {
    return directory.getFileName().toString();
  }
}
