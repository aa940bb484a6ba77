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

import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.tilekv.config.Setting.Scope;
import org.tilekv.config.Setting.ValueType;

/** Collects a setting's parts; {@link #doc} comes last and makes the setting. */
final class SettingBuilder<T> {
  final String name;
  final ValueType<T> type;
  Area area = Area.JOBS;
  @Nullable T defaultValue;
  @Nullable T gpuDefault;
  Predicate<T> check = value -> true;
  String allowed;
  Scope scope = Scope.STARTUP;
  boolean secret;
  String doc = "";

  SettingBuilder(String name, ValueType<T> type) {
    this.name = name;
    this.type = type;
    this.allowed = type.allowed();
  }

  SettingBuilder<T> in(Area area) {
    this.area = area;
    return this;
  }

  SettingBuilder<T> defaultsTo(T value) {
    this.defaultValue = value;
    return this;
  }

  /** Another default for models on a GPU; not below the first where a limit hangs on it. */
  SettingBuilder<T> onGpu(T value) {
    this.gpuDefault = value;
    return this;
  }

  /** A further condition, and in words what then is allowed. */
  SettingBuilder<T> check(Predicate<T> check, String allowed) {
    this.check = check;
    this.allowed = allowed;
    return this;
  }

  SettingBuilder<T> perJob() {
    this.scope = Scope.JOB;
    return this;
  }

  SettingBuilder<T> secret() {
    this.secret = true;
    return this;
  }

  Setting<T> doc(String doc) {
    this.doc = doc;
    return new Setting<>(this);
  }
}
