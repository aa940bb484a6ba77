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

import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One setting: key, type, unit, default, check and documentation. {@link Settings} declares them
 * all. Immutable.
 *
 * @param <T> what a parsed value is: {@code Integer}, {@code Long} (bytes or milliseconds), {@code
 *     Double}, {@code Boolean}, {@code String} or an enum
 */
public final class Setting<T> {

  /** What every key begins with. */
  public static final String PREFIX = "spark.tilekv.";

  /**
   * Keys of Spark's own transport settings for connections between executors: not ours to check.
   */
  static final String TRANSPORT_PREFIX = PREFIX + "io.";

  /** When a value is taken. */
  public enum Scope {
    /** Once, when the application starts. */
    STARTUP,
    /** At start-up, and a job may bring its own. */
    JOB
  }

  private final String key;
  private final Area area;
  private final ValueType<T> type;
  private final @Nullable T defaultValue;
  private final @Nullable T gpuDefault;
  private final Predicate<T> check;
  private final String allowed;
  private final Scope scope;
  private final boolean secret;
  private final String doc;

  Setting(SettingBuilder<T> builder) {
    this.key = PREFIX + builder.name;
    this.area = builder.area;
    this.type = builder.type;
    this.defaultValue = builder.defaultValue;
    this.gpuDefault = builder.gpuDefault;
    this.check = builder.check;
    this.allowed = builder.allowed;
    this.scope = builder.scope;
    this.secret = builder.secret;
    this.doc = builder.doc;
  }

  /** Full key, {@link #PREFIX} included. */
  public String key() {
    return key;
  }

  /** Heading it is documented under. */
  Area area() {
    return area;
  }

  /** Type and unit in words, as "bytes" or "time". */
  public String type() {
    return type.name();
  }

  /** Empty where an unset value means something of its own; the documentation says what. */
  public Optional<T> defaultValue() {
    return Optional.ofNullable(defaultValue);
  }

  /** The default for models on a GPU, where it is another one than {@link #defaultValue}. */
  Optional<T> gpuDefault() {
    return Optional.ofNullable(gpuDefault);
  }

  /** The default that holds on a device. */
  Optional<T> defaultOn(Device device) {
    return device == Device.GPU ? gpuDefault().or(this::defaultValue) : defaultValue();
  }

  /** Allowed values in words, to follow "allowed: ". */
  public String allowed() {
    return allowed;
  }

  public Scope scope() {
    return scope;
  }

  /** Whether the value must not be shown. */
  public boolean secret() {
    return secret;
  }

  public String doc() {
    return doc;
  }

  /**
   * Reads and checks a value; blanks around it do not count.
   *
   * @throws ConfigException naming key, value and what is allowed
   */
  public T parse(String text) {
    T value;
    try {
      value = type.parser().apply(text.trim());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw refused(text);
    }
    if (!check.test(value)) {
      throw refused(text);
    }
    return value;
  }

  private ConfigException refused(String text) {
    return new ConfigException(key + " is " + quote(text) + "; allowed: " + allowed);
  }

  /** Shortest text that {@link #parse} reads back as the same value. */
  public String format(T value) {
    return type.formatter().apply(value);
  }

  /** As {@link #format}, secrets hidden: for logs and pages. */
  String show(T value) {
    return secret ? "(hidden)" : format(value);
  }

  private String quote(String text) {
    return secret ? "(hidden)" : '"' + text + '"';
  }

  @Override
  public String toString() {
    return key;
  }

  /** How a type is read and written. */
  record ValueType<T>(
      String name, String allowed, Function<String, T> parser, Function<T, String> formatter) {}
}
