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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;

class SettingsTest {

  @Test
  void registryHoldsEveryConstantOnce() throws IllegalAccessException {
    List<Object> constants = new ArrayList<>();
    for (Field field : Settings.class.getDeclaredFields()) {
      if (Modifier.isPublic(field.getModifiers()) && field.getType() == Setting.class) {
        constants.add(field.get(null));
      }
    }
    assertThat(Settings.all()).isEqualTo(constants);
    assertThat(Settings.all()).extracting(Setting::key).doesNotHaveDuplicates();
  }

  @Test
  void defaults() {
    Map<String, String> actual =
        Settings.all().stream()
            .collect(Collectors.toMap(Setting::key, SettingsTest::defaultText, (a, b) -> a));
    assertThat(new TreeMap<>(actual))
        .isEqualTo(
            new TreeMap<>(
                Map.ofEntries(
                    Map.entry("spark.tilekv.device", "auto"),
                    Map.entry("spark.tilekv.tileTokens", "16"),
                    Map.entry("spark.tilekv.kvDtype", "float32"),
                    Map.entry("spark.tilekv.pool.bytes", "unset"),
                    Map.entry("spark.tilekv.pool.heapFraction", "0.4"),
                    Map.entry("spark.tilekv.pool.deviceFraction", "0.9"),
                    Map.entry("spark.tilekv.prefixReuse", "true"),
                    Map.entry("spark.tilekv.eviction.policy", "plan"),
                    Map.entry("spark.tilekv.host.bytes", "unset"),
                    Map.entry("spark.tilekv.disk.dirs", "unset"),
                    Map.entry("spark.tilekv.disk.bytes", "8g"),
                    Map.entry("spark.tilekv.disk.admission", "adaptive"),
                    Map.entry("spark.tilekv.lease.ttl", "10min"),
                    Map.entry("spark.tilekv.secret.tenantSalt", "unset"),
                    Map.entry("spark.tilekv.maxBatchRows", "32"),
                    Map.entry("spark.tilekv.maxStepTokens", "512"),
                    Map.entry("spark.tilekv.prefillChunkTokens", "256"),
                    Map.entry("spark.tilekv.sharedPrefixWait", "10s"),
                    Map.entry("spark.tilekv.load.wait", "5s"),
                    Map.entry("spark.tilekv.rowsInFlightPerTask", "64"),
                    Map.entry("spark.tilekv.threads", "0"),
                    Map.entry("spark.tilekv.matMul", "auto"),
                    Map.entry("spark.tilekv.stats.distinctPositions", "false"),
                    Map.entry("spark.tilekv.maxSequenceTokens", "0"),
                    Map.entry("spark.tilekv.addBos", "auto"),
                    Map.entry("spark.tilekv.shards", "0"),
                    Map.entry("spark.tilekv.headShards", "1"),
                    Map.entry("spark.tilekv.headShards.timeout", "1min"),
                    Map.entry("spark.tilekv.locality.wait", "10s"),
                    Map.entry("spark.tilekv.heartbeat.interval", "1s"),
                    Map.entry("spark.tilekv.executor.timeout", "30s"),
                    Map.entry("spark.tilekv.maxInitFailures", "4"),
                    Map.entry("spark.tilekv.peer.enabled", "true"),
                    Map.entry("spark.tilekv.peer.port", "0"),
                    Map.entry("spark.tilekv.peer.maxInFlightBytes", "64m"),
                    Map.entry("spark.tilekv.peer.minTokens", "64"),
                    Map.entry("spark.tilekv.peer.timeout", "5s"),
                    Map.entry("spark.tilekv.decommission.handover", "10s"),
                    Map.entry("spark.tilekv.decommission.handoverBytes", "1g"),
                    Map.entry("spark.tilekv.errors", "fail"),
                    Map.entry("spark.tilekv.plan", "auto"))));
  }

  @Test
  void defaultsOnAGpu() {
    Map<String, String> actual =
        Settings.all().stream()
            .filter(setting -> setting.gpuDefault().isPresent())
            .collect(Collectors.toMap(Setting::key, SettingsTest::gpuDefaultText, (a, b) -> a));
    assertThat(new TreeMap<>(actual))
        .isEqualTo(
            new TreeMap<>(
                Map.of(
                    "spark.tilekv.tileTokens", "64",
                    "spark.tilekv.maxBatchRows", "256",
                    "spark.tilekv.maxStepTokens", "8192",
                    "spark.tilekv.prefillChunkTokens", "2048",
                    "spark.tilekv.rowsInFlightPerTask", "256")));
  }

  private static <T> String gpuDefaultText(Setting<T> setting) {
    return setting.gpuDefault().map(setting::format).orElseThrow();
  }

  private static <T> String defaultText(Setting<T> setting) {
    return setting.defaultValue().map(setting::format).orElse("unset");
  }

  @Test
  void defaultsPassTheirOwnChecks() {
    for (Setting<?> setting : Settings.all()) {
      assertRoundTrip(setting);
    }
  }

  private static <T> void assertRoundTrip(Setting<T> setting) {
    setting
        .defaultValue()
        .ifPresent(value -> assertThat(setting.parse(setting.format(value))).isEqualTo(value));
    setting
        .gpuDefault()
        .ifPresent(value -> assertThat(setting.parse(setting.format(value))).isEqualTo(value));
  }

  @Test
  void edgesOfEachType() {
    refused(Settings.TILE_TOKENS, "0", "3", "2048", "-16", "16.0", "", "sixteen", "99999999999");
    refused(Settings.POOL_BYTES, "0", "-1g", "1.5g", "1x", "g", "99999999999g");
    refused(Settings.POOL_HEAP_FRACTION, "0", "1", "-0.1", "NaN", "40%");
    refused(Settings.LEASE_TTL_MS, "999ms", "10 min", "10parsecs");
    refused(Settings.PREFIX_REUSE, "yes", "1");
    refused(Settings.POOL_DEVICE_FRACTION, "0", "1", "90%");
    refused(Settings.KV_DTYPE, "float64", "fp16");
    refused(Settings.MAT_MUL, "blas");
    refused(Settings.TENANT_SALT, "", "  ");
    assertThat(Settings.TILE_TOKENS.parse(" 1024 ")).isEqualTo(1024);
    assertThat(Settings.KV_DTYPE.parse("Float16")).isEqualTo(KvDtype.FLOAT16);
    assertThat(Settings.PREFIX_REUSE.parse("FALSE")).isFalse();
    assertThat(Settings.MAT_MUL.parse("Scalar")).isEqualTo("scalar");
    assertThat(Settings.SHARED_PREFIX_WAIT_MS.parse("0")).isZero();
  }

  private static void refused(Setting<?> setting, String... texts) {
    for (String text : texts) {
      assertThatThrownBy(() -> setting.parse(text))
          .as("%s = %s", setting, text)
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(setting.key())
          .hasMessageContaining("allowed: " + setting.allowed());
    }
  }

  @Test
  void unitsReadAndWrite() {
    assertThat(Units.parseBytes("64m")).isEqualTo(64L << 20);
    assertThat(Units.parseBytes("2GB")).isEqualTo(2L << 30);
    assertThat(Units.parseBytes("1536")).isEqualTo(1536);
    assertThat(Units.formatBytes(1536L << 20)).isEqualTo("1536m");
    assertThat(Units.formatBytes(1025)).isEqualTo("1025b");
    assertThat(Units.parseMillis("10min")).isEqualTo(600_000);
    assertThat(Units.parseMillis("2m")).isEqualTo(120_000);
    assertThat(Units.parseMillis("250")).isEqualTo(250);
    assertThat(Units.formatMillis(90_000)).isEqualTo("90s");
    assertThat(Units.formatMillis(0)).isEqualTo("0");
  }
}
