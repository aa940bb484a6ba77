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

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a Hugging Face directory: tensors by name, in one or many safetensors files that
 * are mapped into memory and not copied. Thread-safe.
 *
 * <p>No file stays open: files are closed as soon as they are mapped. The mappings cost address
 * space only and go when the checkpoint and its tensors are unreachable. The files must not be
 * changed in place while the checkpoint is open.
 */
public final class Checkpoint implements AutoCloseable {

  /**
   * A tensor as it lies in its file, of whatever dtype.
   *
   * @param file where it is
   * @param entry what the header says
   * @param bytes its content
   */
  record Stored(Path file, SafetensorsHeader.Entry entry, TensorBytes bytes) {}

  private final Path directory;
  private final AtomicBoolean closed;
  private volatile Map<String, Stored> tensors;

  private Checkpoint(Path directory, Map<String, Stored> tensors, AtomicBoolean closed) {
    this.directory = directory;
    this.tensors = tensors;
    this.closed = closed;
  }

  /**
   * Maps the weight files of a directory and checks every header against its file.
   *
   * @throws InvalidModelException where a file is missing, truncated or damaged
   */
  public static Checkpoint open(Path directory) {
    Map<String, Stored> tensors = new TreeMap<>();
    AtomicBoolean closed = new AtomicBoolean();
    CheckpointFiles.find(directory)
        .forEach(
            (file, promised) -> {
              SafetensorsFile.map(
                  file,
                  (entry, pieces) ->
                      add(tensors, file, entry, new TensorBytes(pieces, entry.bytes(), closed)));
              checkPromised(tensors, file, promised);
            });
    return new Checkpoint(directory, Collections.unmodifiableMap(tensors), closed);
  }

  private static void add(
      Map<String, Stored> tensors, Path file, SafetensorsHeader.Entry entry, TensorBytes bytes) {
    Stored other = tensors.put(entry.name(), new Stored(file, entry, bytes));
    if (other != null) {
      throw new InvalidModelException(
          "tensor " + entry.name() + " is in " + other.file() + " and in " + file);
    }
  }

  private static void checkPromised(Map<String, Stored> tensors, Path file, List<String> promised) {
    for (String name : promised) {
      Stored stored = tensors.get(name);
      if (stored == null || !stored.file().equals(file)) {
        throw new InvalidModelException(
            "tensor " + name + " is not in " + file + ", where the index has it");
      }
    }
  }

  /** Whether there is a tensor of that name, of whatever dtype. */
  public boolean has(String name) {
    return open().containsKey(name);
  }

  /** Names of all tensors, sorted. */
  public Set<String> names() {
    return open().keySet();
  }

  /**
   * A tensor by name.
   *
   * @throws InvalidModelException where it is missing or has an unsupported dtype
   */
  public Tensor tensor(String name) {
    Stored stored = stored(name);
    SafetensorsHeader.Entry entry = stored.entry();
    WeightDtype dtype = dtype(entry.dtype());
    if (dtype == null) {
      throw new InvalidModelException(
          "tensor %s of %s has dtype %s; allowed are %s"
              .formatted(name, stored.file(), entry.dtype(), List.of(WeightDtype.values())));
    }
    return new Tensor(name, dtype, entry.shape(), stored.bytes());
  }

  Stored stored(String name) {
    Stored stored = open().get(name);
    if (stored == null) {
      throw new InvalidModelException("tensor " + name + " is missing in " + directory);
    }
    return stored;
  }

  private Map<String, Stored> open() {
    if (closed.get()) {
      throw new IllegalStateException("the checkpoint of " + directory + " is closed");
    }
    return tensors;
  }

  private static @Nullable WeightDtype dtype(String name) {
    for (WeightDtype dtype : WeightDtype.values()) {
      if (dtype.name().equals(name)) {
        return dtype;
      }
    }
    return null;
  }

  /** Ends all use: reads of its tensors throw from now on. */
  @Override
  public void close() {
    closed.set(true);
    tensors = Map.of();
  }
}
