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
package org.tilekv.config;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.tilekv.config.Setting.Scope;

/**
 * The settled configuration of one application: parsed, defaulted, checked as a whole, then frozen.
 * Immutable.
 */
public final class TileKvConfig {

  private final Map<Setting<?>, Object> values;
  private final Map<String, String> explicit;
  private final @Nullable Device device;

  /**
   * @param device whose defaults were asked for, or null
   */
  TileKvConfig(
      Map<Setting<?>, Object> values, Map<String, String> explicit, @Nullable Device device) {
    this.device = device;
    this.values = Map.copyOf(values);
    this.explicit = Map.copyOf(explicit);
  }

  /** What holds where nothing is set. */
  public static TileKvConfig defaults() {
    return parse(Map.of());
  }

  /**
   * Reads all entries whose key begins with {@link Setting#PREFIX} and ignores the others.
   *
   * @throws ConfigException listing every unknown key, refused value and contradiction
   */
  public static TileKvConfig parse(Map<String, String> entries) {
    return new ConfigParser(null).parse(entries);
  }

  /**
   * The same settings with the defaults of a device: what holds on an executor whose models run
   * there. Until then those of a CPU hold, unless {@code device} is {@code gpu}.
   *
   * @param device CPU or GPU
   */
  public TileKvConfig on(Device device) {
    return new ConfigParser(device).parse(explicit);
  }

  /** Reads what {@link #toMap} gave. */
  public static TileKvConfig fromMap(Map<String, String> map) {
    return parse(map);
  }

  /**
   * This configuration with a job's own values.
   *
   * @param entries as for {@link #parse}; those of start-up scope must agree with what holds
   * @throws ConfigException as {@link #parse} does, and for a start-up setting with another value
   */
  public TileKvConfig forJob(Map<String, String> entries) {
    Map<String, String> merged = new HashMap<>(explicit);
    merged.putAll(entries);
    TileKvConfig job = parse(merged);
    for (Setting<?> setting : Settings.all()) {
      if (setting.scope() == Scope.STARTUP && !find(setting).equals(job.find(setting))) {
        throw new ConfigException(
            setting
                + " is "
                + job.text(setting)
                + " for this job; it is settled as "
                + text(setting)
                + " when the application starts and cannot be changed later");
      }
    }
    return job;
  }

  /**
   * The settled value.
   *
   * @throws IllegalStateException where it is unset and has no default; see {@link #find}
   */
  public <T> T get(Setting<T> setting) {
    return find(setting)
        .orElseThrow(() -> new IllegalStateException(setting + " is not set and has no default"));
  }

  /** The settled value, empty where it is unset and has no default. */
  // The parser stores under a setting only what that setting parsed.
  @SuppressWarnings("unchecked")
  public <T> Optional<T> find(Setting<T> setting) {
    return Optional.ofNullable((T) values.get(setting));
  }

  /** Whether the user gave a value. */
  public boolean isSet(Setting<?> setting) {
    return explicit.containsKey(setting.key());
  }

  /** Bytes of a page pool in the heap: {@code pool.bytes}, or its share of the heap. */
  public long poolBytes(long maxHeapBytes) {
    return find(Settings.POOL_BYTES)
        .orElseGet(() -> (long) (maxHeapBytes * get(Settings.POOL_HEAP_FRACTION)));
  }

  /** Compute threads: {@code threads}, or one per core. */
  public int threads(int executorCores) {
    int threads = get(Settings.THREADS);
    return threads == 0 ? Math.max(1, executorCores) : threads;
  }

  /** What the user set, in the shortest form: all that {@link #fromMap} needs. Secrets included. */
  public Map<String, String> toMap() {
    return explicit;
  }

  /** One line per setting with its settled value and where it comes from; secrets hidden. */
  public String describe() {
    StringBuilder lines = new StringBuilder();
    for (Setting<?> setting : Settings.all()) {
      lines.append(setting.key()).append(" = ").append(text(setting));
      lines.append(isSet(setting) ? " (set)" : " (default" + onGpu(setting) + ")").append('\n');
    }
    return lines.toString();
  }

  /** Words on the other default of executors with a GPU, where it is open what they have. */
  private <T> String onGpu(Setting<T> setting) {
    return device == null && get(Settings.DEVICE) == Device.AUTO
        ? setting.gpuDefault().map(value -> ", on a GPU " + setting.show(value)).orElse("")
        : "";
  }

  private <T> String text(Setting<T> setting) {
    return find(setting).map(setting::show).orElse("unset");
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TileKvConfig that && explicit.equals(that.explicit);
  }

  @Override
  public int hashCode() {
    return explicit.hashCode();
  }

  /** What the user set, secrets hidden. */
  @Override
  public String toString() {
    Map<String, String> shown = new TreeMap<>();
    for (Setting<?> setting : Settings.all()) {
      if (isSet(setting)) {
        shown.put(setting.key(), text(setting));
      }
    }
    return "TileKvConfig" + shown;
  }
}
