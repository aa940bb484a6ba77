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

import java.util.Locale;
import org.tilekv.TileGeometry;
import org.tilekv.TileKvException;

/**
 * What a row may ask for; decided from the request alone, so that a row that can never run fails by
 * itself and at once.
 *
 * @param vocabSize token ids are below
 * @param maxPositions longest sequence in tokens, prompt and answer together
 * @param geometry shape of a tile
 * @param poolPages pages of the whole pool
 * @param hasTokenizer whether stop strings can be found
 * @param config limits of the engine
 */
record RowLimits(
    int vocabSize,
    int maxPositions,
    TileGeometry geometry,
    int poolPages,
    boolean hasTokenizer,
    EngineConfig config) {

  /**
   * @throws TileKvException naming what was asked and what is allowed
   */
  void check(GenerationRequest request) {
    checkTokens(request);
    checkPositions(request);
    checkBeams(request);
    checkPages(request);
    if (!request.stopStrings().isEmpty() && !hasTokenizer) {
      throw refused(request, "has stop strings; this engine has no tokenizer to find them with");
    }
  }

  private void checkTokens(GenerationRequest request) {
    for (int token : request.prompt()) {
      if (token < 0 || token >= vocabSize) {
        throw refused(request, "has the token id %d; allowed are 0 to %d", token, vocabSize - 1);
      }
    }
  }

  private void checkPositions(GenerationRequest request) {
    long positions = positions(request);
    if (positions > maxPositions) {
      throw refused(
          request,
          "has %d prompt tokens and asks for %d new ones, together %d; at most %d are allowed",
          request.prompt().length,
          request.maxNewTokens(),
          positions,
          maxPositions);
    }
  }

  private void checkBeams(GenerationRequest request) {
    int most = Math.min(config.maxBatchRows(), config.maxStepTokens());
    if (request.beams() > most) {
      throw refused(
          request,
          "asks for %d beams; at most %d rows run at once (maxBatchRows %d, maxStepTokens %d)",
          request.beams(),
          most,
          config.maxBatchRows(),
          config.maxStepTokens());
    }
  }

  /** K and V of the last token are never needed, so one position less than its length counts. */
  private void checkPages(GenerationRequest request) {
    int stored = (int) positions(request) - 1;
    long pages = (long) geometry.kvHeads() * geometry.tilesFor(stored);
    if (pages > poolPages) {
      throw refused(
          request,
          "needs %d pages for %d positions (%d KV heads, tiles of %d tokens); the pool has %d"
              + " pages: a larger pool, a shorter prompt or fewer new tokens would fit",
          pages,
          stored,
          geometry.kvHeads(),
          geometry.tileTokens(),
          poolPages);
    }
  }

  private static long positions(GenerationRequest request) {
    return (long) request.prompt().length + request.maxNewTokens();
  }

  private static TileKvException refused(GenerationRequest request, String what, Object... values) {
    return new TileKvException(
        "row " + request.rowKey() + " " + String.format(Locale.ROOT, what, values));
  }
}
