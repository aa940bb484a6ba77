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

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One parse: collects values and problems, concludes, then freezes or refuses. */
final class ConfigParser {

  private static final Map<String, Setting<?>> BY_KEY = new HashMap<>();

  static {
    for (Setting<?> setting : Settings.all()) {
      BY_KEY.put(setting.key(), setting);
    }
  }

  private final @Nullable Device device;
  private final Map<Setting<?>, Object> values = new HashMap<>();
  private final Map<String, String> explicit = new HashMap<>();
  private final List<String> problems = new ArrayList<>();

  /**
   * @param device whose defaults hold, or null for what {@code device} says: those of a GPU only
   *     where it is {@code gpu}
   */
  ConfigParser(@Nullable Device device) {
    this.device = device;
  }

  TileKvConfig parse(Map<String, String> entries) {
    // Sorted, so that the same mistakes give the same message.
    new TreeMap<>(entries).forEach(this::read);
    Device settled = device == null ? (Device) values.get(Settings.DEVICE) : device;
    new ConfigRules(values, problems, settled == Device.GPU ? Device.GPU : Device.CPU).conclude();
    if (!problems.isEmpty()) {
      throw new ConfigException(problems);
    }
    return new TileKvConfig(values, explicit, device);
  }

  private void read(String key, String text) {
    // In any case, so that spark.TileKV.x is refused and not ignored.
    if (!key.toLowerCase(Locale.ROOT).startsWith(Setting.PREFIX)) {
      return;
    }
    if (key.startsWith(Setting.TRANSPORT_PREFIX)) {
      return;
    }
    Setting<?> setting = BY_KEY.get(key);
    if (setting == null) {
      problems.add(unknown(key));
      return;
    }
    try {
      store(setting, text);
    } catch (ConfigException e) {
      problems.addAll(e.problems());
    }
  }

  private <T> void store(Setting<T> setting, String text) {
    T value = setting.parse(text);
    values.put(setting, value);
    explicit.put(setting.key(), setting.format(value));
  }

  private static String unknown(String key) {
    return NearestKey.to(key, BY_KEY.keySet())
        .map(known -> key + " is not a known setting; did you mean " + known + "?")
        .orElse(key + " is not a known setting; docs/configuration.md lists all");
  }
}
