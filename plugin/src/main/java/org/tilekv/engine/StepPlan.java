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
package org.tilekv.engine;

import java.util.ArrayList;
import java.util.List;
import org.tilekv.llm.StepBatch;

/**
 * What the next forward step computes: first the rows that decode, then chunks of known tokens of
 * the others, oldest row first, up to the step's limit. Rows that decode but find no room come
 * first in the next step. Confined to the engine's thread and reused.
 */
final class StepPlan {
  private final EngineConfig config;
  private final Chosen chosen;
  private final StepBatch batch = new StepBatch();
  private final List<Row> rows = new ArrayList<>();
  private long lastDecoded = -1;
  private int room;
  private int tokens;
  private int chunkTokens;

  /**
   * @param chosen which tokens the decoder chooses itself
   */
  StepPlan(EngineConfig config, Chosen chosen) {
    this.config = config;
    this.chosen = chosen;
  }

  StepBatch batch() {
    return batch;
  }

  /** Rows of the step, in the order of their segments. */
  List<Row> rows() {
    return rows;
  }

  /** Tokens of the step. */
  int tokens() {
    return tokens;
  }

  /** Tokens of the step that are known before it: prompts, and what is computed again. */
  int chunkTokens() {
    return chunkTokens;
  }

  void fill(List<Row> oldestFirst, EngineCounters counters) {
    batch.clear();
    rows.clear();
    room = config.maxStepTokens();
    addDecoding(oldestFirst);
    counters.decodeRows.add(batch.size());
    int chunkRoom = room;
    addChunks(oldestFirst);
    chunkTokens = chunkRoom - room;
    tokens = config.maxStepTokens() - room;
  }

  private void addDecoding(List<Row> oldestFirst) {
    int first = firstAfter(lastDecoded, oldestFirst);
    lastDecoded = -1;
    for (int i = 0; i < oldestFirst.size(); i++) {
      Row row = oldestFirst.get((first + i) % oldestFirst.size());
      if (!row.decoding()) {
        continue;
      }
      if (row.slots() > room) {
        lastDecoded = rows.get(rows.size() - 1).order;
        return;
      }
      room -= row.plan(batch, room, chosen);
      rows.add(row);
    }
  }

  private static int firstAfter(long order, List<Row> oldestFirst) {
    int first = 0;
    while (first < oldestFirst.size() && oldestFirst.get(first).order <= order) {
      first++;
    }
    return first;
  }

  private void addChunks(List<Row> oldestFirst) {
    for (int i = 0; i < oldestFirst.size() && room > 0; i++) {
      Row row = oldestFirst.get(i);
      if (!row.decoding()) {
        room -= row.plan(batch, Math.min(room, config.prefillChunkTokens()), chosen);
        rows.add(row);
      }
    }
  }
}
