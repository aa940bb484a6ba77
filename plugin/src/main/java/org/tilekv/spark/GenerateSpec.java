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

import java.io.Serializable;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import org.tilekv.engine.GenerationRequest;
import org.tilekv.engine.SamplingParams;

/**
 * What a job asks of each task: the values of a {@link KvGenerate}, resolved against the schema and
 * the settings. Travels in the closure of a stage.
 *
 * @param model model directory, absolute where the driver sees it
 * @param promptIndex column of the prompt
 * @param rowKeyIndex column of the row key, -1 for a hash of the prompt
 * @param maxNewTokens most tokens to generate for a row
 * @param beams 1 for greedy or sampling
 * @param temperature 0 for greedy
 * @param topK 0 for all
 * @param topP 1 for all
 * @param seed job seed
 * @param stopStrings texts that end an answer
 * @param lengthPenalty beam search
 * @param earlyStopping beam search
 * @param nullOnError whether a row that cannot run gives null instead of failing its task
 * @param rowsInFlight rows that a task keeps in flight, 0 for what its executor has
 * @param salt tenant salt or null; never shown
 */
record GenerateSpec(
    String model,
    int promptIndex,
    int rowKeyIndex,
    int maxNewTokens,
    int beams,
    double temperature,
    int topK,
    double topP,
    long seed,
    List<String> stopStrings,
    double lengthPenalty,
    boolean earlyStopping,
    boolean nullOnError,
    int rowsInFlight,
    @Nullable String salt)
    implements Serializable {

  GenerateSpec {
    stopStrings = List.copyOf(stopStrings);
    var unused = new SamplingParams(temperature, topK, topP, seed);
  }

  /** The prompt of a row. */
  @Nullable String prompt(Row row) {
    return row.isNullAt(promptIndex) ? null : row.getString(promptIndex);
  }

  GenerationRequest request(long owner, long rowKey, int[] prompt, Set<Integer> eosTokens) {
    return new GenerationRequest(
        owner,
        rowKey,
        prompt,
        maxNewTokens,
        eosTokens,
        stopStrings,
        new SamplingParams(temperature, topK, topP, seed),
        beams,
        lengthPenalty,
        earlyStopping,
        salt);
  }

  /** Without the salt. */
  @Override
  public String toString() {
    return "GenerateSpec[model=" + model + ", maxNewTokens=" + maxNewTokens + "]";
  }
}
