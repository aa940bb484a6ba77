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

import static org.tilekv.config.Types.bytes;
import static org.tilekv.config.Types.choice;
import static org.tilekv.config.Types.flag;
import static org.tilekv.config.Types.fraction;
import static org.tilekv.config.Types.integer;
import static org.tilekv.config.Types.millis;
import static org.tilekv.config.Types.text;
import static org.tilekv.config.Types.word;

import java.util.List;
import org.tilekv.EvictionOrder;
import org.tilekv.KvDtype;

/**
 * The registry: every setting, declared once. {@code docs/configuration.md} is generated from it.
 * Times are in milliseconds, sizes in bytes.
 */
public final class Settings {

  private static final int MANY = Integer.MAX_VALUE;

  public static final Setting<Device> DEVICE =
      choice("device", Device.values())
          .in(Area.CACHE)
          .defaultsTo(Device.AUTO)
          .doc(
              "Where tiles live and the model runs. auto: on the executor's GPU where it has one"
                  + " that can run the model, else on its CPU, with a warning. gpu: an executor"
                  + " without one does not start.");

  public static final Setting<Integer> TILE_TOKENS =
      integer("tileTokens", 1, 1024)
          .in(Area.CACHE)
          .defaultsTo(16)
          .onGpu(64)
          .check(
              n -> n >= 1 && n <= 1024 && Integer.bitCount(n) == 1, "powers of two from 1 to 1024")
          .doc(
              "Token positions of one tile. Prefixes are shared in whole tiles, the rest is copied.");

  public static final Setting<KvDtype> KV_DTYPE =
      choice("kvDtype", KvDtype.FLOAT32, KvDtype.FLOAT16, KvDtype.BFLOAT16, KvDtype.INT8)
          .in(Area.CACHE)
          .defaultsTo(KvDtype.FLOAT32)
          .doc(
              "Stored type of K and V. Smaller types hold more tokens and round values. On a GPU"
                  + " weights and activations have it too: bfloat16 or float16 is several times"
                  + " faster there; int8 runs on CPUs only.");

  public static final Setting<Long> POOL_BYTES =
      bytes("pool.bytes")
          .in(Area.CACHE)
          .doc(
              "Size of the page pool of one model on one executor: in device memory on a GPU, else"
                  + " in the heap. Unset: pool.deviceFraction or pool.heapFraction decides. What is"
                  + " not free on a GPU is not taken: the pool is smaller then, with a warning.");

  public static final Setting<Double> POOL_HEAP_FRACTION =
      fraction("pool.heapFraction")
          .in(Area.CACHE)
          .defaultsTo(0.4)
          .doc(
              "Share of the executor's heap for the page pool, on a CPU. Not together with"
                  + " pool.bytes.");

  public static final Setting<Double> POOL_DEVICE_FRACTION =
      fraction("pool.deviceFraction")
          .in(Area.CACHE)
          .defaultsTo(0.9)
          .doc(
              "Share of the GPU's memory for one executor: weights, activations and page pool"
                  + " together. Where n executors share a GPU, each should take 0.9 / n at most."
                  + " Not together with pool.bytes.");

  public static final Setting<Boolean> PREFIX_REUSE =
      flag("prefixReuse")
          .in(Area.CACHE)
          .defaultsTo(true)
          .doc("Whether rows take over the tiles of prefixes that were computed before.");

  public static final Setting<EvictionOrder> EVICTION_POLICY =
      choice("eviction.policy", EvictionOrder.values())
          .in(Area.CACHE)
          .defaultsTo(EvictionOrder.PLAN)
          .doc(
              "What a full cache drops first. lru: what was not used for longest. plan: while the"
                  + " batch plan of a job is known, what its remaining rows do not need, then what"
                  + " they need furthest in the future; without a plan as lru.");

  public static final Setting<Long> HOST_BYTES =
      bytes("host.bytes")
          .in(Area.CACHE)
          .doc(
              "Bytes of pinned host memory for tiles of one model that leave the GPU's pool, per"
                  + " executor; part of spark.executor.memoryOverhead. Without a GPU the pool is"
                  + " in host memory itself, and this is not used. Unset: no host tier.");

  public static final Setting<String> DISK_DIRS =
      text("disk.dirs")
          .in(Area.CACHE)
          .doc(
              "Directories on local disks, separated by commas, for tiles that leave the pool."
                  + " Each executor takes a subdirectory of its own in each. auto: beside Spark's"
                  + " own local directories. Unset: no disk tier.");

  public static final Setting<Long> DISK_BYTES =
      bytes("disk.bytes")
          .in(Area.CACHE)
          .defaultsTo(8L << 30)
          .doc("Most bytes of tile files of one model in each of disk.dirs, per executor.");

  public static final Setting<DiskAdmission> DISK_ADMISSION =
      choice("disk.admission", DiskAdmission.values())
          .in(Area.CACHE)
          .defaultsTo(DiskAdmission.ADAPTIVE)
          .doc(
              "Which tiles are written to disk. adaptive: those that a plan needs again or that"
                  + " are evicted for the second time, and all while most come back. always: all.");

  public static final Setting<Long> LEASE_TTL_MS =
      millis("lease.ttl", 1000)
          .in(Area.CACHE)
          .defaultsTo(600_000L)
          .doc("Time without progress after which a sequence loses its pages.");

  public static final Setting<String> TENANT_SALT =
      text("secret.tenantSalt")
          .in(Area.CACHE)
          .perJob()
          .secret()
          .doc(
              "Keeps tenants apart: rows reuse only tiles that were computed under the same salt."
                  + " Unset: one common namespace per model.");

  public static final Setting<Integer> MAX_BATCH_ROWS =
      integer("maxBatchRows", 1, 65_536)
          .in(Area.ENGINE)
          .defaultsTo(32)
          .onGpu(256)
          .doc("Beams that run at once on one executor; at most maxStepTokens.");

  public static final Setting<Integer> MAX_STEP_TOKENS =
      integer("maxStepTokens", 1, 1 << 20)
          .in(Area.ENGINE)
          .defaultsTo(512)
          .onGpu(8192)
          .doc("Tokens of one forward step, decode rows and prefill chunks together.");

  public static final Setting<Integer> PREFILL_CHUNK_TOKENS =
      integer("prefillChunkTokens", 1, 1 << 20)
          .in(Area.ENGINE)
          .defaultsTo(256)
          .onGpu(2048)
          .doc("Most tokens of one row's prompt in one step; at most maxStepTokens.");

  public static final Setting<Long> SHARED_PREFIX_WAIT_MS =
      millis("sharedPrefixWait", 0)
          .in(Area.ENGINE)
          .defaultsTo(10_000L)
          .doc(
              "Longest wait for a prefix that another row is computing while no tile of it comes; then"
                  + " the row computes it itself. 0 never waits.");

  public static final Setting<Long> LOAD_WAIT_MS =
      millis("load.wait", 0)
          .in(Area.ENGINE)
          .defaultsTo(5_000L)
          .doc(
              "Longest wait for a prefix that is being loaded from a lower tier or another executor;"
                  + " then the row computes what is missing. Others go on meanwhile. 0 loads none.");

  public static final Setting<Integer> ROWS_IN_FLIGHT_PER_TASK =
      integer("rowsInFlightPerTask", 1, 65_536)
          .in(Area.ENGINE)
          .perJob()
          .defaultsTo(64)
          .onGpu(256)
          .doc("Rows a task keeps submitted. More give larger batches and hold more prompts.");

  public static final Setting<Integer> THREADS =
      integer("threads", 0, 4096)
          .in(Area.ENGINE)
          .defaultsTo(0)
          .doc("Compute threads of one model on one executor. 0: as many as the executor's cores.");

  public static final Setting<String> MAT_MUL =
      word("matMul", "auto", "vector", "scalar")
          .in(Area.ENGINE)
          .defaultsTo("auto")
          .doc("Matrix products: vector uses the Vector API, auto takes it where it is there.");

  public static final Setting<Boolean> STATS_DISTINCT_POSITIONS =
      flag("stats.distinctPositions")
          .in(Area.ENGINE)
          .defaultsTo(false)
          .doc(
              "Whether to count the distinct (prefix, token) positions of all prompts: the least"
                  + " that must be computed. Costs memory for each.");

  public static final Setting<Integer> MAX_SEQUENCE_TOKENS =
      integer("maxSequenceTokens", 0, MANY)
          .in(Area.MODEL)
          .defaultsTo(0)
          .doc("Longest sequence, prompt and answer together. 0: the model's own limit.");

  public static final Setting<String> ADD_BOS =
      word("addBos", "auto", "true", "false")
          .in(Area.MODEL)
          .defaultsTo("auto")
          .doc("Whether prompts begin with the BOS token. auto: as the tokenizer is configured.");

  public static final Setting<Integer> SHARDS =
      integer("shards", 0, 1 << 20)
          .in(Area.PLACEMENT)
          .perJob()
          .defaultsTo(0)
          .doc("Sequence groups that rows are cut into for placement. 0: chosen by the job.");

  public static final Setting<Integer> HEAD_SHARDS =
      integer("headShards", 1, 1024)
          .in(Area.PLACEMENT)
          .defaultsTo(1)
          .doc(
              "Executors that the KV heads of a model are spread over, on CPUs: each holds its"
                  + " heads' tiles and weights. Allowed are 1 to the KV heads, and multiples of"
                  + " these that divide the query heads. Above 1 jobs run in barrier stages.");

  public static final Setting<Long> HEAD_SHARDS_TIMEOUT_MS =
      millis("headShards.timeout", 100)
          .in(Area.PLACEMENT)
          .defaultsTo(60_000L)
          .doc("Longest wait for another executor's part of a step; then the stage starts again.");

  public static final Setting<Long> LOCALITY_WAIT_MS =
      millis("locality.wait", 0)
          .in(Area.PLACEMENT)
          .defaultsTo(10_000L)
          .doc(
              "How long a task waits for the executor that holds its tiles: becomes"
                  + " spark.locality.wait.process where that is not set.");

  public static final Setting<Long> HEARTBEAT_INTERVAL_MS =
      millis("heartbeat.interval", 10)
          .in(Area.PLACEMENT)
          .defaultsTo(1_000L)
          .doc("Time between an executor's heartbeats to the driver; below executor.timeout.");

  public static final Setting<Long> EXECUTOR_TIMEOUT_MS =
      millis("executor.timeout", 20)
          .in(Area.PLACEMENT)
          .defaultsTo(30_000L)
          .doc("Silence after which an executor counts as lost and its shards move.");

  public static final Setting<Integer> MAX_INIT_FAILURES =
      integer("maxInitFailures", 1, MANY)
          .in(Area.PLACEMENT)
          .defaultsTo(4)
          .doc("Failed executor starts at which the application is stopped.");

  public static final Setting<Boolean> PEER_ENABLED =
      flag("peer.enabled")
          .in(Area.PEERS)
          .defaultsTo(true)
          .doc(
              "Whether executors fetch tiles from each other where that beats computing them, under"
                  + " Spark's authentication and encryption. spark.tilekv.io.* are read as Spark's"
                  + " transport settings.");

  public static final Setting<Integer> PEER_PORT =
      integer("peer.port", 0, 65_535)
          .in(Area.PEERS)
          .defaultsTo(0)
          .doc(
              "Port where executors listen for each other; where it is taken, one of the next"
                  + " spark.port.maxRetries. 0: any free one.");

  public static final Setting<Long> PEER_MAX_IN_FLIGHT_BYTES =
      bytes("peer.maxInFlightBytes")
          .in(Area.PEERS)
          .defaultsTo(64L << 20)
          .doc("Bytes that one executor fetches, and that it serves, at the same time.");

  public static final Setting<Integer> PEER_MIN_TOKENS =
      integer("peer.minTokens", 1, MANY)
          .in(Area.PEERS)
          .defaultsTo(64)
          .doc("Fewest tokens of a prompt that others are asked for.");

  public static final Setting<Long> PEER_TIMEOUT_MS =
      millis("peer.timeout", 10)
          .in(Area.PEERS)
          .defaultsTo(5_000L)
          .doc(
              "Longest wait for an executor that is asked for tiles; then they are computed, and"
                  + " the executor is left alone for a while.");

  public static final Setting<Long> HANDOVER_MS =
      millis("decommission.handover", 0)
          .in(Area.PEERS)
          .defaultsTo(10_000L)
          .doc(
              "Longest time that a decommissioned executor takes to hand its hottest tiles over."
                  + " Keep it below the time that the cluster manager allows. 0: nothing is handed"
                  + " over.");

  public static final Setting<Long> HANDOVER_BYTES =
      bytes("decommission.handoverBytes")
          .in(Area.PEERS)
          .defaultsTo(1L << 30)
          .doc("Most bytes that a decommissioned executor hands over.");

  public static final Setting<ErrorPolicy> ERRORS =
      choice("errors", ErrorPolicy.values())
          .in(Area.JOBS)
          .perJob()
          .defaultsTo(ErrorPolicy.FAIL)
          .doc("A row that cannot be answered fails its task (fail) or gets a null (null).");

  public static final Setting<String> PLAN =
      word("plan", "auto", "off")
          .in(Area.JOBS)
          .perJob()
          .defaultsTo("auto")
          .doc(
              "auto: before a job runs, its prompts are tokenised once to find what they share; its"
                  + " rows then run in groups of balanced cost, neighbours sharing most. A job whose"
                  + " rows share nothing stays as it is. off: rows run as they come.");

  private static final List<Setting<?>> ALL =
      List.of(
          DEVICE,
          TILE_TOKENS,
          KV_DTYPE,
          POOL_BYTES,
          POOL_HEAP_FRACTION,
          POOL_DEVICE_FRACTION,
          PREFIX_REUSE,
          EVICTION_POLICY,
          HOST_BYTES,
          DISK_DIRS,
          DISK_BYTES,
          DISK_ADMISSION,
          LEASE_TTL_MS,
          TENANT_SALT,
          MAX_BATCH_ROWS,
          MAX_STEP_TOKENS,
          PREFILL_CHUNK_TOKENS,
          SHARED_PREFIX_WAIT_MS,
          LOAD_WAIT_MS,
          ROWS_IN_FLIGHT_PER_TASK,
          THREADS,
          MAT_MUL,
          STATS_DISTINCT_POSITIONS,
          MAX_SEQUENCE_TOKENS,
          ADD_BOS,
          SHARDS,
          HEAD_SHARDS,
          HEAD_SHARDS_TIMEOUT_MS,
          LOCALITY_WAIT_MS,
          HEARTBEAT_INTERVAL_MS,
          EXECUTOR_TIMEOUT_MS,
          MAX_INIT_FAILURES,
          PEER_ENABLED,
          PEER_PORT,
          PEER_MAX_IN_FLIGHT_BYTES,
          PEER_MIN_TOKENS,
          PEER_TIMEOUT_MS,
          HANDOVER_MS,
          HANDOVER_BYTES,
          ERRORS,
          PLAN);

  private Settings() {}

  /** All settings, in the order of the reference page. */
  public static List<Setting<?>> all() {
    return ALL;
  }
}
