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
package org.tilekv.bench.plan;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Writes a batch as jobs have them: rows over many templates, of very different frequency (Zipf),
 * in random order. Templates come in families: all of a family begin with its header, and each goes
 * on with worked examples of its own; each row ends with a record that no other row has. {@code
 * unshared.jsonl} has the same prompts behind a number, so that they share nothing.
 */
@Command(name = "write-template-rows", mixinStandardHelpOptions = true, showDefaultValues = true)
public final class WriteTemplateRows implements Callable<Integer> {

  @Option(names = "--data", required = true, description = "folder of the example's data")
  private Path data = Path.of("");

  @Option(names = "--out", required = true, description = "folder to write to")
  private Path out = Path.of("");

  @Option(names = "--rows", description = "rows to write")
  private int rows = 20_000;

  @Option(names = "--templates", description = "templates")
  private int templates = 40;

  @Option(names = "--seed", description = "seed of all that is random")
  private long seed = 1;

  private final ObjectMapper json = new ObjectMapper();

  private WriteTemplateRows() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new WriteTemplateRows()).execute(args));
  }

  /** A template with the family whose records it takes. */
  private record Template(String name, String family, String header) {}

  @Override
  public Integer call() throws IOException {
    Random random = new Random(seed);
    Map<String, String> headers =
        json.readValue(data.resolve("templates.json").toFile(), new TypeReference<>() {});
    Map<String, List<JsonNode>> records = records();
    List<Template> all = templates(headers, records, random);
    Files.createDirectories(out);
    Map<String, String> byName = new LinkedHashMap<>();
    all.forEach(template -> byName.put(template.name, template.header));
    json.writeValue(out.resolve("templates.json").toFile(), byName);
    writeRows(all, records, random);
    return 0;
  }

  private Map<String, List<JsonNode>> records() throws IOException {
    Map<String, List<JsonNode>> records = new LinkedHashMap<>();
    for (String line : Files.readAllLines(data.resolve("records.jsonl"))) {
      JsonNode row = json.readTree(line);
      records.computeIfAbsent(row.get("template").asText(), f -> new ArrayList<>()).add(row);
    }
    return records;
  }

  private List<Template> templates(
      Map<String, String> headers, Map<String, List<JsonNode>> records, Random random) {
    List<String> families = new ArrayList<>(headers.keySet());
    List<Template> all = new ArrayList<>();
    for (int i = 0; i < templates; i++) {
      String family = families.get(i % families.size());
      StringBuilder header = new StringBuilder(headers.get(family));
      int examples = i / families.size() % 4 + 1;
      for (int k = 0; k < examples; k++) {
        JsonNode example = one(records.getOrDefault(family, List.of()), random);
        header.append(example.get("record").asText()).append(' ');
        header.append(example.get("expected").asText()).append('\n');
      }
      all.add(new Template(family + "-" + i, family, header.toString()));
    }
    Collections.shuffle(all, random);
    return all;
  }

  private static JsonNode one(List<JsonNode> of, Random random) {
    return of.get(random.nextInt(of.size()));
  }

  private void writeRows(List<Template> all, Map<String, List<JsonNode>> records, Random random)
      throws IOException {
    double[] upTo = new double[all.size()];
    double sum = 0;
    for (int rank = 0; rank < upTo.length; rank++) {
      sum += 1.0 / (rank + 1);
      upTo[rank] = sum;
    }
    try (BufferedWriter shared = Files.newBufferedWriter(out.resolve("rows.jsonl"));
        BufferedWriter unshared = Files.newBufferedWriter(out.resolve("unshared.jsonl"))) {
      for (int id = 0; id < rows; id++) {
        Template template = all.get(rank(upTo, random.nextDouble() * sum));
        String record = anew(one(records.getOrDefault(template.family, List.of()), random), random);
        write(shared, Map.of("id", id, "template", template.name, "record", record));
        write(unshared, Map.of("id", id, "prompt", id + ". " + template.header + record));
      }
    }
  }

  private void write(BufferedWriter writer, Map<String, Object> row) throws IOException {
    writer.write(json.writeValueAsString(row));
    writer.newLine();
  }

  private static int rank(double[] upTo, double at) {
    int rank = 0;
    while (rank < upTo.length - 1 && upTo[rank] < at) {
      rank++;
    }
    return rank;
  }

  /** A record with its digits drawn anew. */
  private static String anew(JsonNode record, Random random) {
    StringBuilder text = new StringBuilder(record.get("record").asText());
    for (int i = 0; i < text.length(); i++) {
      if (Character.isDigit(text.charAt(i))) {
        text.setCharAt(i, (char) ('0' + random.nextInt(10)));
      }
    }
    return text.toString();
  }
}
