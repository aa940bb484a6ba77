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

import java.util.List;
import java.util.Map;

/**
 * The conclude step: fills defaults in and refuses what contradicts. A default gives way to what
 * the user set; two things that the user set must agree.
 */
final class ConfigRules {

  private final Map<Setting<?>, Object> values;
  private final List<String> problems;
  private final Device device;

  /**
   * {@code values} holds what the user set and becomes complete; problems are added to the list.
   *
   * @param device whose defaults hold, CPU or GPU
   */
  ConfigRules(Map<Setting<?>, Object> values, List<String> problems, Device device) {
    this.values = values;
    this.problems = problems;
    this.device = device;
  }

  void conclude() {
    checkPoolSize();
    int maxStepTokens = settle(Settings.MAX_STEP_TOKENS);
    limitTo(maxStepTokens, Settings.PREFILL_CHUNK_TOKENS);
    limitTo(maxStepTokens, Settings.MAX_BATCH_ROWS);
    checkLiveness();
    checkSupported();
    Settings.all().forEach(this::fillIn);
  }

  private void checkPoolSize() {
    if (!values.containsKey(Settings.POOL_BYTES)) {
      return;
    }
    for (Setting<Double> share :
        List.of(Settings.POOL_HEAP_FRACTION, Settings.POOL_DEVICE_FRACTION)) {
      if (values.containsKey(share)) {
        problems.add(
            shown(Settings.POOL_BYTES)
                + " and "
                + shown(share)
                + " both size the pool; allowed: one of the two");
      }
    }
  }

  /** A row needs at least one token of a step, and a chunk has to fit into one. */
  private void limitTo(int maxStepTokens, Setting<Integer> setting) {
    boolean set = values.containsKey(setting);
    if (settle(setting) <= maxStepTokens) {
      return;
    }
    if (set) {
      problems.add(
          shown(setting)
              + " is above "
              + shown(Settings.MAX_STEP_TOKENS)
              + "; allowed: at most that");
    } else {
      values.put(setting, maxStepTokens);
    }
  }

  private void checkLiveness() {
    if (settle(Settings.HEARTBEAT_INTERVAL_MS) >= settle(Settings.EXECUTOR_TIMEOUT_MS)) {
      problems.add(
          shown(Settings.HEARTBEAT_INTERVAL_MS)
              + " is not below "
              + shown(Settings.EXECUTOR_TIMEOUT_MS)
              + ", so that every executor would count as lost; allowed: a shorter interval");
    }
  }

  private void checkSupported() {
    if (settle(Settings.HEAD_SHARDS) > 1 && settle(Settings.DEVICE) == Device.GPU) {
      problems.add(
          shown(Settings.HEAD_SHARDS)
              + " and "
              + shown(Settings.DEVICE)
              + "; allowed on GPUs: 1 head shard");
    }
  }

  private <T> void fillIn(Setting<T> setting) {
    setting.defaultOn(device).ifPresent(value -> values.putIfAbsent(setting, value));
  }

  /** The value of a setting that has a default. */
  // Under a setting stands only what that setting parsed or defaults to.
  @SuppressWarnings("unchecked")
  private <T> T settle(Setting<T> setting) {
    fillIn(setting);
    T value = (T) values.get(setting);
    if (value == null) {
      throw new IllegalStateException(setting + " has no default");
    }
    return value;
  }

  private <T> String shown(Setting<T> setting) {
    return setting + " = " + setting.show(settle(setting));
  }
}
