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

import java.util.ArrayList;
import java.util.Arrays;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable$;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;
import org.tilekv.config.ErrorPolicy;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;

/**
 * Adds a column with the text that a language model generates for each row's prompt.
 *
 * <pre>{@code
 * Dataset<Row> answers =
 *     new KvGenerate()
 *         .setInputCol("prompt")
 *         .setOutputCol("answer")
 *         .setModel("/models/llama")
 *         .setMaxNewTokens(64)
 *         .transform(rows);
 * }</pre>
 *
 * <p>Before a job runs, its prompts are read once to find what they share. Where that is enough to
 * matter, rows are brought into groups of balanced cost, sharers side by side: partitions and the
 * order of rows are then new ones, unless {@link #setKeepRowOrder} wants the old ones back. The
 * input is read twice, so cache it where it is expensive, or set {@link #setPlan} to {@code off}:
 * then, and where nothing is shared, rows and partitions stay as they are. Nothing runs before an
 * action does. The text comes as generated: without the end-of-sequence and other special tokens,
 * cut before a stop string, white space kept. A retried or speculative task gives the same rows;
 * with sampling two rows of the same prompt give the same text unless {@link #setRowKeyCol} tells
 * them apart.
 *
 * <p>Needs {@code spark.plugins=org.tilekv.spark.TileKvPlugin}. {@link #transform} throws {@link
 * org.tilekv.TileKvException} or {@link IllegalArgumentException} where a parameter, the schema or
 * the model is refused. A row that cannot run (null or empty prompt, more tokens than the model or
 * the page pool can hold) fails its task, or gives null with {@code errors=null}.
 */
public final class KvGenerate extends GenerateParams implements DefaultParamsWritable {
  private static final long serialVersionUID = 1L;

  /** A transformer with a random uid. */
  public KvGenerate() {
    this(Identifiable$.MODULE$.randomUID("kvGenerate"));
  }

  /** A transformer with a given uid, as loading and copying need it. */
  public KvGenerate(String uid) {
    super(uid);
  }

  /** Reads what {@link #save} wrote. */
  public static KvGenerate load(String path) {
    return read().load(path);
  }

  /** Reader of saved transformers. */
  public static MLReader<KvGenerate> read() {
    return new DefaultParamsReader<>();
  }

  /** Column with the prompt, a string; required. */
  public KvGenerate setInputCol(String column) {
    return with(inputCol(), column);
  }

  /** Column to add (default {@code generated}). */
  public KvGenerate setOutputCol(String column) {
    return with(outputCol(), column);
  }

  /**
   * Hugging Face directory with {@code config.json}, {@code tokenizer.json} and safetensors files,
   * at the same path on every executor; required.
   */
  public KvGenerate setModel(String directory) {
    return with(model(), directory);
  }

  /** Most tokens to generate for a row (default 128). */
  public KvGenerate setMaxNewTokens(int tokens) {
    return with(maxNewTokens(), tokens);
  }

  /** Beams of beam search; 1 (default) is greedy or sampling. */
  public KvGenerate setBeams(int count) {
    return with(beams(), count);
  }

  /** 0 (default) is greedy. */
  public KvGenerate setTemperature(double value) {
    return with(temperature(), value);
  }

  /** Sample among the {@code k} likeliest tokens; 0 (default) is all. */
  public KvGenerate setTopK(int k) {
    return with(topK(), k);
  }

  /** Sample among the likeliest tokens up to this probability; 1 (default) is all. */
  public KvGenerate setTopP(double probability) {
    return with(topP(), probability);
  }

  /** Job seed of sampling (default 0). */
  public KvGenerate setSeed(long value) {
    return with(seed(), value);
  }

  /** Texts that end an answer; cut off with what follows. */
  public KvGenerate setStopStrings(String... texts) {
    return with(stopStrings(), texts.clone());
  }

  /** What a row that cannot run does: {@code fail} or {@code null} (default: setting). */
  public KvGenerate setErrors(String mode) {
    return with(errors(), mode);
  }

  /** Column that identifies a row for sampling (default: its prompt). */
  public KvGenerate setRowKeyCol(String column) {
    return with(rowKeyCol(), column);
  }

  /** Beam search: scores are divided by length to this power (default 1). */
  public KvGenerate setLengthPenalty(double power) {
    return with(lengthPenalty(), power);
  }

  /** Beam search: stop as soon as there are as many finished answers as beams (default false). */
  public KvGenerate setEarlyStopping(boolean stop) {
    return with(earlyStopping(), stop);
  }

  /**
   * {@code auto} to bring rows that share a prefix together before the job runs, {@code off} to
   * leave them as they come (default: setting {@code spark.tilekv.plan}).
   */
  public KvGenerate setPlan(String mode) {
    return with(plan(), mode);
  }

  /**
   * Whether a planned job brings its rows back to the partition and place that they came from
   * (default false). Costs a shuffle of the output, and no row is there before all are generated.
   */
  public KvGenerate setKeepRowOrder(boolean keep) {
    return with(keepRowOrder(), keep);
  }

  private <T> KvGenerate with(Param<T> param, T value) {
    set(param, value);
    return this;
  }

  @Override
  public Dataset<Row> transform(Dataset<?> dataset) {
    StructType outputSchema = transformSchema(dataset.schema());
    SparkContext context = dataset.sparkSession().sparkContext();
    TileKvDriver driver = TileKvDriver.require(context);
    TileKvConfig settings = driver.settings(dataset.sparkSession());
    GenerateSpec spec = spec(dataset.schema(), context, settings);
    JavaRDD<Row> generated = generated(dataset.toDF(), spec, driver, settings).toJavaRDD();
    return dataset.sparkSession().createDataFrame(generated, outputSchema);
  }

  private GenerateSpec spec(StructType schema, SparkContext context, TileKvConfig settings) {
    return new GenerateSpec(
        ModelDirectory.resolve($(model()), context.isLocal()),
        schema.fieldIndex($(inputCol())),
        isDefined(rowKeyCol()) ? schema.fieldIndex($(rowKeyCol())) : -1,
        (Integer) $(maxNewTokens()),
        (Integer) $(beams()),
        (Double) $(temperature()),
        (Integer) $(topK()),
        (Double) $(topP()),
        (Long) $(seed()),
        new ArrayList<>(Arrays.asList($(stopStrings()))),
        (Double) $(lengthPenalty()),
        (Boolean) $(earlyStopping()),
        nullOnError(settings),
        settings.isSet(Settings.ROWS_IN_FLIGHT_PER_TASK)
            ? settings.get(Settings.ROWS_IN_FLIGHT_PER_TASK)
            : 0,
        settings.find(Settings.TENANT_SALT).map(TenantSalts::seal).orElse(null));
  }

  private RDD<Row> generated(
      Dataset<Row> rows, GenerateSpec spec, TileKvDriver driver, TileKvConfig settings) {
    SparkContext context = rows.sparkSession().sparkContext();
    int groups = settings.get(Settings.SHARDS);
    if (settings.get(Settings.HEAD_SHARDS) > 1) {
      return new CellRdd(context, rows, driver.cells(spec));
    }
    PlannedGeneration generation =
        new PlannedGeneration(rows, spec, (Boolean) $(keepRowOrder()), driver.planDriver(groups));
    return plans(settings) && !rows.isStreaming()
        ? new LazyRdd(context, generation)
        : generation.asIs();
  }

  private boolean plans(TileKvConfig settings) {
    String mode = isDefined(plan()) ? $(plan()) : settings.get(Settings.PLAN);
    return mode.equals("auto") && settings.get(Settings.PREFIX_REUSE);
  }

  private boolean nullOnError(TileKvConfig settings) {
    return isDefined(errors())
        ? $(errors()).equals("null")
        : settings.get(Settings.ERRORS) == ErrorPolicy.NULL;
  }

  @Override
  public StructType transformSchema(StructType schema) {
    require(inputCol());
    require(model());
    return GenerateSchema.add(
        schema, $(inputCol()), isDefined(rowKeyCol()) ? $(rowKeyCol()) : null, $(outputCol()));
  }

  private void require(Param<?> param) {
    if (!isDefined(param)) {
      throw new IllegalArgumentException(
          "KvGenerate has no " + param.name() + " (" + param.doc() + "); it must be set");
    }
  }

  @Override
  public KvGenerate copy(ParamMap extra) {
    return defaultCopy(extra);
  }
}
