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

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.tilekv.config.Setting.ValueType;

/** The types settings have, each with its way to read and write a value. */
final class Types {

  private Types() {}

  /** A whole number from {@code min} to {@code max}. */
  static SettingBuilder<Integer> integer(String name, int min, int max) {
    String allowed =
        max == Integer.MAX_VALUE
            ? "whole numbers from " + min
            : "whole numbers from " + min + " to " + max;
    return new SettingBuilder<>(
            name, new ValueType<>("integer", allowed, Integer::valueOf, value -> value.toString()))
        .check(value -> value >= min && value <= max, allowed);
  }

  /** A size; the value is in bytes. */
  static SettingBuilder<Long> bytes(String name) {
    String allowed = "a size above 0, as 64m or 2g (b, k, m, g, t, p; bytes without a suffix)";
    return new SettingBuilder<>(
            name, new ValueType<>("bytes", allowed, Units::parseBytes, Units::formatBytes))
        .check(value -> value > 0, allowed);
  }

  /** A time; the value is in milliseconds. */
  static SettingBuilder<Long> millis(String name, long minMs) {
    String allowed =
        "a time of at least "
            + Units.formatMillis(minMs)
            + ", as 10s or 500ms (ms, s, min, h, d; milliseconds without a suffix)";
    return new SettingBuilder<>(
            name, new ValueType<>("time", allowed, Units::parseMillis, Units::formatMillis))
        .check(value -> value >= minMs, allowed);
  }

  /** A share above 0 and below 1. */
  static SettingBuilder<Double> fraction(String name) {
    String allowed = "numbers above 0 and below 1";
    return new SettingBuilder<>(
            name, new ValueType<>("fraction", allowed, Double::valueOf, value -> value.toString()))
        .check(value -> value > 0 && value < 1, allowed);
  }

  static SettingBuilder<Boolean> flag(String name) {
    return new SettingBuilder<>(
        name,
        new ValueType<>("boolean", "true or false", Types::parseFlag, value -> value.toString()));
  }

  private static Boolean parseFlag(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException(text);
    };
  }

  static SettingBuilder<String> text(String name) {
    String allowed = "a text that is not empty";
    return new SettingBuilder<>(name, new ValueType<>("text", allowed, text -> text, text -> text))
        .check(text -> !text.isEmpty(), allowed);
  }

  /** One of several words, in any case. */
  static SettingBuilder<String> word(String name, String... words) {
    List<String> known = List.of(words);
    String allowed = String.join(", ", words);
    return new SettingBuilder<>(
            name,
            new ValueType<String>(
                "choice", allowed, text -> text.toLowerCase(Locale.ROOT), text -> text))
        .check(known::contains, allowed);
  }

  /** One of several constants of an enum, written in lower case. */
  @SafeVarargs
  static <E extends Enum<E>> SettingBuilder<E> choice(String name, E... constants) {
    String allowed = Arrays.stream(constants).map(Types::lower).collect(Collectors.joining(", "));
    return new SettingBuilder<>(
        name, new ValueType<>("choice", allowed, text -> constant(text, constants), Types::lower));
  }

  private static <E extends Enum<E>> E constant(String text, E[] constants) {
    for (E constant : constants) {
      if (lower(constant).equals(text.toLowerCase(Locale.ROOT))) {
        return constant;
      }
    }
    throw new IllegalArgumentException(text);
  }

  private static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
