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
package org.tilekv.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.TileKvException;
import org.tilekv.coordinator.InitFailure;
import org.tilekv.coordinator.Messages;
import org.tilekv.cuda.CudaFailures;
import org.tilekv.engine.DeviceChoice;
import org.tilekv.engine.RuntimeOptions;

/** Starting, failing to start, and stopping; in local mode. */
@Timeout(60)
class PluginLifecycleTest {

  @AfterEach
  void stopWhatIsLeft() {
    SparkSession.getDefaultSession()
        .foreach(
            session -> {
              session.stop();
              return null;
            });
  }

  private static KvGenerate generate() {
    return new KvGenerate().setInputCol("prompt").setModel(TestSpark.MODEL).setMaxNewTokens(5);
  }

  @Test
  void aMisspeltSettingStopsTheApplicationAtItsStart() {
    SparkConf conf = TestSpark.conf("local[1]").set("spark.tilekv.tileToken", "32");
    assertThatThrownBy(() -> SparkContext.getOrCreate(conf))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("spark.tilekv.tileToken");
  }

  @Test
  void contradictorySettingsStopTheApplicationAtItsStart() {
    SparkConf conf =
        TestSpark.conf("local[1]")
            .set("spark.tilekv.pool.bytes", "1g")
            .set("spark.tilekv.pool.heapFraction", "0.5");
    assertThatThrownBy(() -> SparkContext.getOrCreate(conf))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("spark.tilekv.pool.bytes")
        .hasMessageContaining("spark.tilekv.pool.heapFraction");
  }

  @Test
  void setsTheLocalityWaitWhereTheUserDidNot() {
    SparkSession spark =
        TestSpark.session(TestSpark.conf("local[1]").set("spark.tilekv.locality.wait", "7s"));
    assertThat(spark.sparkContext().conf().get("spark.locality.wait.process")).isEqualTo("7000ms");
    spark.stop();
    spark = TestSpark.session(TestSpark.conf("local[1]").set("spark.locality.wait.process", "1s"));
    assertThat(spark.sparkContext().conf().get("spark.locality.wait.process")).isEqualTo("1s");
  }

  @Test
  void withoutThePluginItSaysWhatToSet() {
    SparkSession spark = TestSpark.session(TestSpark.conf("local[1]").remove("spark.plugins"));
    assertThatThrownBy(() -> generate().transform(spark.sql("select 'x' as prompt")))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("spark.plugins=org.tilekv.spark.TileKvPlugin");
    assertThatThrownBy(() -> TileKv.active(spark)).isInstanceOf(TileKvException.class);
  }

  @Test
  void theDriverIsAnExecutorInLocalMode() {
    SparkSession spark = TestSpark.session(TestSpark.conf("local[2]"));
    TileKv tileKv = TileKv.active(spark);
    assertThat(tileKv.refresh()).isTrue();
    assertThat(tileKv.executors()).hasSize(1);
    assertThat(tileKv.executors().get(0).executorId()).isEqualTo("driver");
    assertThat(tileKv.executors().get(0).cores()).isEqualTo(2);
    assertThat(generate().transform(spark.sql("select 'abc' as prompt")).head().getString(1))
        .isEqualTo("cba");
    assertThat(tileKv.totals().rows()).isEqualTo(1);
    assertThat(tileKv.totals().promptTokens()).isEqualTo(3);
    FakeRuntime runtime = FakeTileKvPlugin.LATEST.get();
    spark.stop();
    assertThat(runtime).isNotNull();
    assertThat(runtime.closed).isTrue();
    assertThatThrownBy(() -> TileKv.active(spark)).isInstanceOf(TileKvException.class);
  }

  @Test
  void aKilledTaskLeavesNothingBehind() throws Exception {
    SparkSession spark = TestSpark.session(TestSpark.conf("local[1]"));
    List<String> prompts = Collections.nCopies(500, "slow prompt");
    CountDownLatch ended = new CountDownLatch(1);
    spark
        .sparkContext()
        .addSparkListener(
            new SparkListener() {
              @Override
              public void onTaskEnd(SparkListenerTaskEnd end) {
                ended.countDown();
              }
            });
    Thread job =
        DaemonThread.start(
            "job",
            () -> {
              spark.sparkContext().setJobGroup("g", "to be cancelled", true);
              assertThatThrownBy(
                      () ->
                          generate()
                              .transform(
                                  spark
                                      .createDataset(prompts, Encoders.STRING())
                                      .toDF("prompt")
                                      .coalesce(1))
                              .collectAsList())
                  .hasMessageContaining("cancelled");
            });
    TileKv tileKv = TileKv.active(spark);
    while (tileKv.totals().rows() < 5) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    spark.sparkContext().cancelJobGroup("g");
    assertThat(ended.await(20, TimeUnit.SECONDS)).isTrue();
    job.join(20_000);
    FakeRuntime runtime = FakeTileKvPlugin.LATEST.get();
    assertThat(runtime).isNotNull();
    assertThat(runtime.cancelled.get()).isPositive();
    assertThat(runtime.running()).isZero();
  }

  @Test
  void tooManyFailedStartsStopTheApplication() throws Exception {
    SparkSession spark =
        TestSpark.session(TestSpark.conf("local[1]").set("spark.tilekv.maxInitFailures", "2"));
    TileKvDriver driver = TileKvDriver.require(spark.sparkContext());
    FutureTask<Throwable> job =
        new FutureTask<>(
            () ->
                catchThrowable(
                    () ->
                        generate()
                            .transform(
                                spark
                                    .createDataset(
                                        Collections.nCopies(5000, "slow"), Encoders.STRING())
                                    .toDF("prompt"))
                            .collectAsList()));
    DaemonThread.start("job", job);
    while (TileKv.active(spark).totals().rows() == 0) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    for (String executor : List.of("8", "9")) {
      driver.receive(Messages.encode(new InitFailure(executor, "host", "the disk is on fire")));
    }
    assertThat(job.get(30, TimeUnit.SECONDS))
        .hasMessageContaining("TileKV stops the application")
        .hasMessageContaining("the disk is on fire");
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().equals("tilekv-stop")) {
        thread.join();
      }
    }
    assertThat(spark.sparkContext().isStopped()).isTrue();
  }

  @Test
  void anExecutorThatCannotStartTellsTheDriverAndExits() {
    AtomicInteger exitCode = new AtomicInteger();
    FakePluginContext context = new FakePluginContext("7");
    TileKvExecutor executor =
        new TileKvExecutor(
            (model, options) -> {
              throw new AssertionError("not asked for");
            },
            FakeGpus.NONE,
            exitCode::set);
    executor.init(context, Map.of("spark.tilekv.tileTokens", "17"));
    assertThat(exitCode).hasValue(ExitCodes.INIT_FAILED);
    assertThat(context.asked).singleElement().isInstanceOf(byte[].class);
  }

  @Test
  void anExecutorWithoutTheGpuThatIsWantedTellsTheDriverAndExits() throws Exception {
    AtomicInteger exitCode = new AtomicInteger();
    FakePluginContext context = new FakePluginContext("7");
    new TileKvExecutor(
            (model, options) -> {
              throw new AssertionError("not asked for");
            },
            FakeGpus.NONE,
            exitCode::set)
        .init(context, Map.of("spark.tilekv.device", "gpu"));
    assertThat(exitCode).hasValue(ExitCodes.INIT_FAILED);
    assertThat(context.asked).hasSize(1);
    assertThat(Messages.decode((byte[]) context.asked.get(0)))
        .isInstanceOfSatisfying(
            InitFailure.class,
            failure ->
                assertThat(failure.message())
                    .contains("spark.tilekv.device is gpu", FakeGpus.NONE.unavailableReason()));
  }

  @Test
  void inLocalModeAJobFailsWhereTheGpuThatIsWantedIsNotThere() {
    SparkSession spark =
        TestSpark.session(TestSpark.conf("local[1]").set("spark.tilekv.device", "gpu"));
    assertThatThrownBy(
            () -> generate().transform(spark.sql("select 'x' as prompt")).collectAsList())
        .hasMessageContaining("TileKV could not start on this executor")
        .hasMessageContaining("spark.tilekv.device is gpu")
        .hasMessageContaining(FakeGpus.NONE.unavailableReason());
    spark.stop();
    SparkSession next = TestSpark.session(TestSpark.conf("local[1]"));
    assertThat(generate().transform(next.sql("select 'abc' as prompt")).head().getString(1))
        .isEqualTo("cba");
  }

  @Test
  void anExecutorWithAGpuSettlesTheDefaultsOfOne() throws Exception {
    List<RuntimeOptions> asked = new ArrayList<>();
    TileKvExecutor executor =
        new TileKvExecutor(
            (model, options) -> {
              asked.add(options);
              return new FakeRuntime();
            },
            FakeGpus.TWO,
            code -> {});
    executor.init(new FakePluginContext("driver"), Map.of("spark.tilekv.maxBatchRows", "40"));
    executor.acquire("/m", 1, () -> {}).close();
    assertThat(asked.get(0).device()).isEqualTo(DeviceChoice.gpu(0, 0, 0.9));
    assertThat(asked.get(0).tileTokens()).isEqualTo(64);
    assertThat(asked.get(0).engine().maxBatchRows()).isEqualTo(40);
    assertThat(executor.rowsInFlight()).isEqualTo(256);
    executor.shutdown();
  }

  @Test
  void aFatalFailureOfARowEndsTheExecutor() throws Exception {
    AtomicInteger exitCode = new AtomicInteger();
    TileKvExecutor executor =
        new TileKvExecutor((model, options) -> new FakeRuntime(), FakeGpus.TWO, exitCode::set);
    executor.init(new FakePluginContext("7"), Map.of());
    RuntimeLease lease = executor.acquire("/m", 1, () -> {});
    lease.rowFailed(new TileKvException("a row failed", new IllegalStateException()));
    assertThat(exitCode).hasValue(0);
    lease.rowFailed(new TileKvException("a row failed", CudaFailures.illegalAddress()));
    assertThat(exitCode).hasValue(ExitCodes.FATAL_DEVICE);
    executor.shutdown();
  }

  @Test
  void inLocalModeAnExecutorThatCannotStartDoesNotExit() {
    AtomicInteger exitCode = new AtomicInteger();
    TileKvExecutor executor =
        new TileKvExecutor(
            (model, options) -> {
              throw new AssertionError("not asked for");
            },
            FakeGpus.NONE,
            exitCode::set);
    executor.init(new FakePluginContext("driver"), Map.of("spark.tilekv.tileTokens", "17"));
    assertThat(exitCode).hasValue(0);
  }
}
