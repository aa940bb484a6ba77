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
package org.tilekv.bench.eviction;

/**
 * What a job costs beside its hits, by the numbers of docs/benchmarks/gpu-end-to-end.txt: a Llama
 * of 1.24 B on an H200. Attention to long contexts is left out.
 */
final class CostModel {

  /** 16 layers, K and V, 8 heads of 64, bfloat16. */
  private static final long TOKEN_BYTES = 16L * 2 * 8 * 64 * 2;

  /** 33,152 prompt tokens in 122.7 ms. */
  private static final double PREFILL_NS_PER_TOKEN = 3_700;

  /** 75,096 output tokens per second. */
  private static final double DECODE_NS_PER_TOKEN = 13_300;

  /** Bytes per nanosecond from a lower tier in RAM. */
  private static final double LOAD_BYTES_PER_NS = 50;

  private final int tileTokens;
  private final long promptTokens;
  private final long answerTokens;

  CostModel(RowTrace trace, int tileTokens) {
    this.tileTokens = tileTokens;
    promptTokens = trace.rows().stream().mapToLong(row -> row.prompt().length).sum();
    answerTokens = trace.rows().stream().mapToLong(row -> row.answer().length).sum();
  }

  /** Bytes of the tiles that were not found: computed again or fetched. */
  double movedGib(long missedTiles) {
    return (double) missedTiles * tileTokens * TOKEN_BYTES / (1L << 30);
  }

  /** Time of a job that computes what it does not find. */
  double computingSeconds(long hitTiles) {
    double prefillNs = (promptTokens - hitTiles * tileTokens) * PREFILL_NS_PER_TOKEN;
    return (prefillNs + answerTokens * DECODE_NS_PER_TOKEN) / 1e9;
  }

  /** Time of a job that computes every tile once and fetches it from RAM later. */
  double fetchingSeconds(long hitTiles, long mostHits) {
    double fetchNs = (mostHits - hitTiles) * tileTokens * TOKEN_BYTES / LOAD_BYTES_PER_NS;
    return computingSeconds(mostHits) + fetchNs / 1e9;
  }
}
