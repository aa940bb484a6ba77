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
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;

class TileKvConfigTest {

  private static final Map<String, String> OTHER_THAN_DEFAULT =
      Map.ofEntries(
          Map.entry("spark.tilekv.device", "cpu"),
          Map.entry("spark.tilekv.tileTokens", "32"),
          Map.entry("spark.tilekv.kvDtype", "int8"),
          Map.entry("spark.tilekv.pool.bytes", "64m"),
          Map.entry("spark.tilekv.prefixReuse", "false"),
          Map.entry("spark.tilekv.eviction.policy", "lru"),
          Map.entry("spark.tilekv.host.bytes", "4g"),
          Map.entry("spark.tilekv.disk.dirs", "/tiles"),
          Map.entry("spark.tilekv.disk.bytes", "1g"),
          Map.entry("spark.tilekv.disk.admission", "always"),
          Map.entry("spark.tilekv.lease.ttl", "1min"),
          Map.entry("spark.tilekv.secret.tenantSalt", "acme"),
          Map.entry("spark.tilekv.maxBatchRows", "8"),
          Map.entry("spark.tilekv.maxStepTokens", "128"),
          Map.entry("spark.tilekv.prefillChunkTokens", "64"),
          Map.entry("spark.tilekv.sharedPrefixWait", "500ms"),
          Map.entry("spark.tilekv.load.wait", "700ms"),
          Map.entry("spark.tilekv.rowsInFlightPerTask", "7"),
          Map.entry("spark.tilekv.threads", "3"),
          Map.entry("spark.tilekv.matMul", "scalar"),
          Map.entry("spark.tilekv.stats.distinctPositions", "true"),
          Map.entry("spark.tilekv.maxSequenceTokens", "2048"),
          Map.entry("spark.tilekv.addBos", "false"),
          Map.entry("spark.tilekv.shards", "12"),
          Map.entry("spark.tilekv.headShards", "2"),
          Map.entry("spark.tilekv.headShards.timeout", "2s"),
          Map.entry("spark.tilekv.locality.wait", "3s"),
          Map.entry("spark.tilekv.heartbeat.interval", "200ms"),
          Map.entry("spark.tilekv.executor.timeout", "5s"),
          Map.entry("spark.tilekv.maxInitFailures", "2"),
          Map.entry("spark.tilekv.peer.enabled", "false"),
          Map.entry("spark.tilekv.peer.port", "7077"),
          Map.entry("spark.tilekv.peer.maxInFlightBytes", "8m"),
          Map.entry("spark.tilekv.peer.minTokens", "32"),
          Map.entry("spark.tilekv.peer.timeout", "900ms"),
          Map.entry("spark.tilekv.decommission.handover", "4s"),
          Map.entry("spark.tilekv.decommission.handoverBytes", "100m"),
          Map.entry("spark.tilekv.errors", "null"),
          Map.entry("spark.tilekv.plan", "off"));

  @Test
  void everyKeyReachesItsSetting() {
    TileKvConfig config = TileKvConfig.parse(OTHER_THAN_DEFAULT);
    for (Setting<?> setting : Settings.all()) {
      // Those that cannot stand beside pool.bytes.
      if (setting == Settings.POOL_HEAP_FRACTION || setting == Settings.POOL_DEVICE_FRACTION) {
        continue;
      }
      assertThat(config.isSet(setting)).as(setting.key()).isTrue();
      assertThat(config.find(setting)).as(setting.key()).isNotEqualTo(setting.defaultValue());
    }
    assertThat(config.toMap()).isEqualTo(OTHER_THAN_DEFAULT);
    assertThat(config.get(Settings.POOL_BYTES)).isEqualTo(64L << 20);
    assertThat(config.get(Settings.KV_DTYPE)).isEqualTo(KvDtype.INT8);
    assertThat(config.get(Settings.ERRORS)).isEqualTo(ErrorPolicy.NULL);
    assertThat(config.get(Settings.SHARED_PREFIX_WAIT_MS)).isEqualTo(500);
  }

  @Test
  void mapCarriesTheWholeConfiguration() {
    TileKvConfig config = TileKvConfig.parse(OTHER_THAN_DEFAULT);
    TileKvConfig copy = TileKvConfig.fromMap(config.toMap());
    assertThat(copy).isEqualTo(config).hasSameHashCodeAs(config);
    assertThat(copy.describe()).isEqualTo(config.describe());
    assertThat(TileKvConfig.fromMap(TileKvConfig.defaults().toMap()).describe())
        .isEqualTo(TileKvConfig.defaults().describe());
  }

  @Test
  void otherKeysAreNotOurs() {
    assertThat(TileKvConfig.parse(Map.of("spark.master", "local", "spark.tilekvx", "1")))
        .isEqualTo(TileKvConfig.defaults());
  }

  @Test
  void sparksOwnTransportSettingsAreNotOurs() {
    assertThat(TileKvConfig.parse(Map.of("spark.tilekv.io.numConnectionsPerPeer", "2")))
        .isEqualTo(TileKvConfig.defaults());
  }

  @Test
  void unknownKeyNamesTheNearest() {
    assertThatThrownBy(() -> parse("spark.tilekv.tileToken", "16"))
        .hasMessage(
            "spark.tilekv.tileToken is not a known setting; did you mean spark.tilekv.tileTokens?");
    assertThatThrownBy(() -> parse("spark.tilekv.kvdtype", "int8"))
        .hasMessageContaining("did you mean spark.tilekv.kvDtype?");
    assertThatThrownBy(() -> parse("spark.TileKV.lease.tlt", "1s"))
        .hasMessageContaining("did you mean spark.tilekv.lease.ttl?");
    assertThatThrownBy(() -> parse("spark.tilekv.zzzzqqqq", "1"))
        .hasMessageContaining("docs/configuration.md");
  }

  @Test
  void allProblemsAreReportedTogether() {
    Map<String, String> entries = new HashMap<>();
    entries.put("spark.tilekv.tileTokens", "17");
    entries.put("spark.tilekv.nonsense", "1");
    entries.put("spark.tilekv.device", "tpu");
    ConfigException thrown =
        catchThrowableOfType(ConfigException.class, () -> TileKvConfig.parse(entries));
    assertThat(thrown.problems()).hasSize(3);
    assertThat(thrown).hasMessageStartingWith("3 problems in the settings:\n- ");
    assertThat(thrown.problems())
        .contains("spark.tilekv.tileTokens is \"17\"; allowed: powers of two from 1 to 1024")
        .contains("spark.tilekv.device is \"tpu\"; allowed: auto, cpu, gpu");
  }

  @Test
  void headsAreSpreadOnCpusOnly() {
    assertThat(parse("spark.tilekv.headShards", "2").get(Settings.HEAD_SHARDS)).isEqualTo(2);
    assertThatThrownBy(() -> parse("spark.tilekv.headShards", "2", "spark.tilekv.device", "gpu"))
        .hasMessage(
            "spark.tilekv.headShards = 2 and spark.tilekv.device = gpu; allowed on GPUs: 1 head"
                + " shard");
  }

  @Test
  void contradictionsAreRefused() {
    for (String share : List.of("pool.heapFraction", "pool.deviceFraction")) {
      assertThatThrownBy(
              () -> parse("spark.tilekv.pool.bytes", "1g", "spark.tilekv." + share, "0.5"))
          .hasMessage(
              "spark.tilekv.pool.bytes = 1g and spark.tilekv."
                  + share
                  + " = 0.5 both size the pool; allowed: one of the two");
    }
    for (String key : List.of("prefillChunkTokens", "maxBatchRows")) {
      assertThatThrownBy(() -> parse("spark.tilekv." + key, "513"))
          .hasMessage(
              "spark.tilekv."
                  + key
                  + " = 513 is above spark.tilekv.maxStepTokens = 512; allowed: at most that");
    }
    assertThatThrownBy(
            () ->
                parse(
                    "spark.tilekv.heartbeat.interval", "2s", "spark.tilekv.executor.timeout", "2s"))
        .hasMessageContaining("= 2s is not below spark.tilekv.executor.timeout = 2s");
  }

  @Test
  void defaultsGiveWay() {
    TileKvConfig config = parse("spark.tilekv.maxStepTokens", "16");
    assertThat(config.get(Settings.PREFILL_CHUNK_TOKENS)).isEqualTo(16);
    assertThat(config.get(Settings.MAX_BATCH_ROWS)).isEqualTo(16);
    assertThat(config.isSet(Settings.MAX_BATCH_ROWS)).isFalse();
    assertThat(TileKvConfig.fromMap(config.toMap()).describe()).isEqualTo(config.describe());
  }

  @Test
  void defaultsAreThoseOfTheDevice() {
    TileKvConfig auto = parse("spark.tilekv.maxStepTokens", "1024");
    assertThat(auto.get(Settings.TILE_TOKENS)).isEqualTo(16);
    TileKvConfig gpu = auto.on(Device.GPU);
    assertThat(gpu.get(Settings.TILE_TOKENS)).isEqualTo(64);
    assertThat(gpu.get(Settings.MAX_STEP_TOKENS)).isEqualTo(1024);
    assertThat(gpu.get(Settings.PREFILL_CHUNK_TOKENS)).isEqualTo(1024);
    assertThat(gpu.get(Settings.MAX_BATCH_ROWS)).isEqualTo(256);
    assertThat(gpu.on(Device.CPU).describe()).isEqualTo(auto.on(Device.CPU).describe());
    assertThat(gpu).isEqualTo(auto);
    assertThat(parse("spark.tilekv.device", "gpu").get(Settings.MAX_BATCH_ROWS)).isEqualTo(256);
    assertThat(parse("spark.tilekv.device", "cpu").get(Settings.MAX_BATCH_ROWS)).isEqualTo(32);
  }

  @Test
  void whatAnAutomaticDeviceAcceptsHoldsOnBoth() {
    for (String key : List.of("maxBatchRows", "maxStepTokens", "prefillChunkTokens")) {
      for (String value : List.of("1", "100", "512")) {
        assertThat(parse("spark.tilekv." + key, value).on(Device.GPU).toMap()).hasSize(1);
      }
    }
    assertThat(parse("spark.tilekv.device", "gpu", "spark.tilekv.maxBatchRows", "8192").toMap())
        .hasSize(2);
    assertThatThrownBy(
            () -> parse("spark.tilekv.device", "gpu", "spark.tilekv.maxBatchRows", "8193"))
        .hasMessageContaining("above spark.tilekv.maxStepTokens = 8192");
  }

  @Test
  void describeSaysWhatIsOpen() {
    String open = "spark.tilekv.maxBatchRows = 32 (default, on a GPU 256)";
    assertThat(TileKvConfig.defaults().describe().lines()).contains(open);
    assertThat(TileKvConfig.defaults().on(Device.CPU).describe().lines())
        .contains("spark.tilekv.maxBatchRows = 32 (default)");
    assertThat(parse("spark.tilekv.device", "gpu").describe().lines())
        .contains("spark.tilekv.maxBatchRows = 256 (default)");
  }

  @Test
  void poolAndThreadsResolve() {
    assertThat(TileKvConfig.defaults().poolBytes(1000)).isEqualTo(400);
    assertThat(parse("spark.tilekv.pool.bytes", "3k").poolBytes(1000)).isEqualTo(3072);
    assertThat(TileKvConfig.defaults().threads(6)).isEqualTo(6);
    assertThat(parse("spark.tilekv.threads", "2").threads(6)).isEqualTo(2);
    assertThatThrownBy(() -> TileKvConfig.defaults().get(Settings.POOL_BYTES))
        .hasMessageContaining("spark.tilekv.pool.bytes is not set");
  }

  @Test
  void jobBringsItsOwnValuesOnlyWhereItMay() {
    TileKvConfig config = parse("spark.tilekv.tileTokens", "32");
    TileKvConfig job =
        config.forJob(Map.of("spark.tilekv.errors", "null", "spark.tilekv.tileTokens", "32"));
    assertThat(job.get(Settings.ERRORS)).isEqualTo(ErrorPolicy.NULL);
    assertThat(job.get(Settings.TILE_TOKENS)).isEqualTo(32);
    assertThatThrownBy(() -> config.forJob(Map.of("spark.tilekv.tileTokens", "16")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("spark.tilekv.tileTokens is 16 for this job; it is settled as 32");
  }

  @Test
  void secretsAreHidden() {
    TileKvConfig config = parse("spark.tilekv.secret.tenantSalt", "hunter2");
    assertThat(config.describe())
        .contains("spark.tilekv.secret.tenantSalt = (hidden) (set)\n")
        .doesNotContain("hunter2");
    assertThat(config.toString()).contains("(hidden)").doesNotContain("hunter2");
    assertThat(config.toMap()).containsValue("hunter2");
  }

  @Test
  void describeHasALinePerSetting() {
    assertThat(TileKvConfig.defaults().describe().lines())
        .hasSameSizeAs(Settings.all())
        .contains(
            "spark.tilekv.matMul = auto (default)", "spark.tilekv.pool.bytes = unset (default)");
  }

  private static TileKvConfig parse(String... keysAndValues) {
    Map<String, String> entries = new HashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      entries.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return TileKvConfig.parse(entries);
  }
}
