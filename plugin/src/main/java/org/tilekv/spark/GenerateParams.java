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

import java.util.List;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.param.BooleanParam;
import org.apache.spark.ml.param.DoubleParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.LongParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.param.StringArrayParam;

/**
 * Parameters of {@link KvGenerate}. Spark finds them by the accessors; they are made after the uid
 * because each takes the uid of its owner.
 */
abstract class GenerateParams extends Transformer {
  private static final long serialVersionUID = 1L;

  private final String uid;
  private final Param<String> inputCol;
  private final Param<String> outputCol;
  private final Param<String> model;
  private final Param<String> rowKeyCol;
  private final Param<String> errors;
  private final IntParam maxNewTokens;
  private final IntParam beams;
  private final DoubleParam temperature;
  private final IntParam topK;
  private final DoubleParam topP;
  private final LongParam seed;
  private final StringArrayParam stopStrings;
  private final DoubleParam lengthPenalty;
  private final BooleanParam earlyStopping;
  private final Param<String> plan;
  private final BooleanParam keepRowOrder;

  GenerateParams(String uid) {
    this.uid = uid;
    inputCol = new Param<>(this, "inputCol", "column with the prompt, a string");
    outputCol = new Param<>(this, "outputCol", "column to add: the generated text");
    model = new Param<>(this, "model", "Hugging Face directory, at the same path everywhere");
    rowKeyCol = new Param<>(this, "rowKeyCol", "identity of a row for sampling (default: prompt)");
    errors =
        new Param<>(
            this,
            "errors",
            "what a row that cannot run does: fail or null (default: spark.tilekv.errors)",
            ParamValidators.inArray(List.of("fail", "null")));
    maxNewTokens =
        new IntParam(
            this, "maxNewTokens", "most tokens to generate for a row", ParamValidators.gtEq(1));
    beams = new IntParam(this, "beams", "beams of beam search, 1 for none", atLeast(1));
    temperature = new DoubleParam(this, "temperature", "0 for greedy", atLeast(0));
    topK = new IntParam(this, "topK", "sample among the k likeliest, 0 for all", atLeast(0));
    topP =
        new DoubleParam(
            this,
            "topP",
            "sample among the likeliest up to this probability, 1 for all",
            ParamValidators.inRange(0, 1, false, true));
    seed = new LongParam(this, "seed", "job seed of sampling");
    stopStrings = new StringArrayParam(this, "stopStrings", "texts that end an answer; cut off");
    lengthPenalty = new DoubleParam(this, "lengthPenalty", "beam search: score / length ^ penalty");
    earlyStopping =
        new BooleanParam(this, "earlyStopping", "beam search: stop at `beams` finished answers");
    plan =
        new Param<>(
            this,
            "plan",
            "auto to order rows by what they share, off to leave them; else the setting",
            ParamValidators.inArray(List.of("auto", "off")));
    keepRowOrder = new BooleanParam(this, "keepRowOrder", "output rows in the input's order");
    setDefaults();
  }

  private void setDefaults() {
    setDefault(outputCol, "generated");
    setDefault(maxNewTokens, 128);
    setDefault(beams, 1);
    setDefault(temperature, 0.0);
    setDefault(topK, 0);
    setDefault(topP, 1.0);
    setDefault(seed, 0L);
    setDefault(stopStrings, new String[0]);
    setDefault(lengthPenalty, 1.0);
    setDefault(earlyStopping, false);
    setDefault(keepRowOrder, false);
  }

  private static scala.Function1<Object, Object> atLeast(double least) {
    return ParamValidators.gtEq(least);
  }

  @Override
  public String uid() {
    return uid;
  }

  public Param<String> inputCol() {
    return inputCol;
  }

  public Param<String> outputCol() {
    return outputCol;
  }

  public Param<String> model() {
    return model;
  }

  public Param<String> rowKeyCol() {
    return rowKeyCol;
  }

  public Param<String> errors() {
    return errors;
  }

  public IntParam maxNewTokens() {
    return maxNewTokens;
  }

  public IntParam beams() {
    return beams;
  }

  public DoubleParam temperature() {
    return temperature;
  }

  public IntParam topK() {
    return topK;
  }

  public DoubleParam topP() {
    return topP;
  }

  public LongParam seed() {
    return seed;
  }

  public StringArrayParam stopStrings() {
    return stopStrings;
  }

  public DoubleParam lengthPenalty() {
    return lengthPenalty;
  }

  public BooleanParam earlyStopping() {
    return earlyStopping;
  }

  public Param<String> plan() {
    return plan;
  }

  public BooleanParam keepRowOrder() {
    return keepRowOrder;
  }
}
