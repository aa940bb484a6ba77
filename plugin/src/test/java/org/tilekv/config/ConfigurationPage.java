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

/** Writes the reference page from the registry. */
final class ConfigurationPage {

  private static final String HEAD =
      """
      <!-- Generated from org.tilekv.config.Settings: do not edit.
           ./mvnw test -pl plugin -Dtest=ConfigurationPageTest -Dtilekv.docs.update=true -->

      # Configuration

      Settings go where Spark's own go: `--conf`, `spark-defaults.conf`, `SparkConf`. They are read
      and checked together when the application starts; everything that is wrong is reported at
      once, and the settled values are written to the log. An unknown key below `spark.tilekv.` is
      refused.

      - Sizes take Spark's suffixes (`64m`, `2g`; bytes without one), times too (`10s`, `500ms`;
        milliseconds without one).
      - Scope *start-up*: settled when the application starts. Scope *job*: a job may bring its own
        value, otherwise that of start-up holds.
      - A default gives way to what is set: `maxBatchRows` and `prefillChunkTokens` are lowered to
        `maxStepTokens` where only that is set. Two values that are set and contradict are refused.
      - Some defaults differ on a GPU. With `device=auto` each executor settles them when it starts,
        by the device that it has, and logs them; the application itself is checked with those of a
        CPU.
      - Secrets are hidden in logs, and Spark redacts keys with `secret` in its own pages. It does so
        for keys with `token` too (`spark.redaction.regex`); the driver's log shows those.
      """;

  private ConfigurationPage() {}

  static String render() {
    StringBuilder page = new StringBuilder(HEAD);
    for (Area area : Area.values()) {
      page.append("\n## ").append(area.title()).append("\n\n");
      page.append("| key | default | type | allowed | scope | meaning |\n");
      page.append("|---|---|---|---|---|---|\n");
      Settings.all().stream()
          .filter(setting -> setting.area() == area)
          .forEach(setting -> page.append(row(setting)));
    }
    return page.toString();
  }

  private static <T> String row(Setting<T> setting) {
    String onGpu =
        setting.gpuDefault().map(value -> ", on a GPU `" + setting.format(value) + "`").orElse("");
    String defaultText =
        setting.defaultValue().map(value -> "`" + setting.format(value) + "`").orElse("unset");
    String scope = setting.scope() == Setting.Scope.JOB ? "job" : "start-up";
    return String.join(
        " | ",
        "| `" + setting.key() + "`",
        defaultText + onGpu,
        setting.type(),
        setting.allowed(),
        scope,
        setting.doc() + " |\n");
  }
}
