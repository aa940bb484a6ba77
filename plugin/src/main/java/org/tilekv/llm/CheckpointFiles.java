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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds the weight files of a Hugging Face directory: {@code model.safetensors}, or what {@code
 * model.safetensors.index.json} lists, or all of {@code model-00001-of-0000N.safetensors}.
 */
final class CheckpointFiles {

  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";
  private static final Pattern SHARD = Pattern.compile("model-(\\d{5})-of-(\\d{5})\\.safetensors");

  private static final Pattern FILE_NAME = Pattern.compile("[\\w.-]+\\.safetensors");

  private CheckpointFiles() {}

  /**
   * Weight files of a directory, and for each the tensors that an index promises to be in it (none
   * where there is no index).
   */
  static Map<Path, List<String>> find(Path directory) {
    requireDirectory(directory);
    Path single = directory.resolve(SINGLE);
    if (Files.exists(single)) {
      return Map.of(single, List.of());
    }
    Path index = directory.resolve(INDEX);
    return Files.exists(index) ? indexed(directory, index) : shards(directory);
  }

  static void requireDirectory(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw new InvalidModelException(
          "model directory "
              + directory
              + (Files.exists(directory) ? " is not a directory" : " does not exist"));
    }
  }

  private static Map<Path, List<String>> indexed(Path directory, Path index) {
    JsonNode map = JsonFiles.readObject(index).path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw new InvalidModelException(index + " has no weight_map; an object is needed");
    }
    Map<Path, List<String>> files = new LinkedHashMap<>();
    map.fields()
        .forEachRemaining(
            field -> {
              Path file = shardFile(directory, index, field.getKey(), field.getValue());
              files.computeIfAbsent(file, f -> new ArrayList<>()).add(field.getKey());
            });
    for (Path file : files.keySet()) {
      if (!Files.exists(file)) {
        throw new InvalidModelException(
            index + " names " + file.getFileName() + ", which is missing");
      }
    }
    return files;
  }

  private static Path shardFile(Path directory, Path index, String tensor, JsonNode value) {
    String name = value.asText();
    if (!FILE_NAME.matcher(name).matches()) {
      throw new InvalidModelException(
          index
              + " maps "
              + tensor
              + " to "
              + value
              + "; a .safetensors file of the same directory is needed");
    }
    return directory.resolve(name);
  }

  private static Map<Path, List<String>> shards(Path directory) {
    Map<Path, List<String>> files = new TreeMap<>();
    int expected = 0;
    try (Stream<Path> children = Files.list(directory)) {
      for (Path file : (Iterable<Path>) children::iterator) {
        Matcher shard = SHARD.matcher(file.getFileName().toString());
        if (shard.matches()) {
          files.put(file, List.of());
          expected = Math.max(expected, Integer.parseInt(shard.group(2)));
        }
      }
    } catch (IOException e) {
      throw new InvalidModelException("cannot list " + directory + ": " + e, e);
    }
    if (files.isEmpty()) {
      throw new InvalidModelException(
          "model directory "
              + directory
              + " holds no weights; "
              + SINGLE
              + ", "
              + INDEX
              + " or model-00001-of-0000N.safetensors is needed");
    }
    if (files.size() != expected) {
      throw new InvalidModelException(
          "model directory "
              + directory
              + " holds "
              + files.size()
              + " of "
              + expected
              + " shards: "
              + files.keySet().stream().map(Path::getFileName).toList());
    }
    return files;
  }
}
