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
package org.tilekv.llm;

import java.util.Arrays;
import org.tilekv.attention.Segments;

/**
 * Input of one forward step: token ids, the page-table rows and positions they belong to, and which
 * segments want the logits of their last token. Reused from step to step; filled and read by one
 * thread.
 */
public final class StepBatch {

  private final Segments segments = new Segments();
  private int[] tokens = new int[64];
  private boolean[] wantLogits = new boolean[16];
  private int logitRows;

  /** Empties the batch. */
  public void clear() {
    segments.clear();
    logitRows = 0;
  }

  /**
   * Adds {@code source[from..from+count)} at positions {@code start} on of a page-table row.
   *
   * @param logits whether the last token's logits are wanted
   */
  public void add(int row, int start, int[] source, int from, int count, boolean logits) {
    int at = segments.tokens();
    if (at + count > tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.max(at + count, 2 * tokens.length));
    }
    System.arraycopy(source, from, tokens, at, count);
    int segment = segments.add(row, start, count);
    if (segment == wantLogits.length) {
      wantLogits = Arrays.copyOf(wantLogits, 2 * segment);
    }
    wantLogits[segment] = logits;
    if (logits) {
      logitRows++;
    }
  }

  public Segments segments() {
    return segments;
  }

  /**
   * Token ids of all segments, one after the other; the first {@code segments().tokens()} count.
   */
  public int[] tokens() {
    return tokens;
  }

  /** Segments added so far. */
  public int size() {
    return segments.size();
  }

  public boolean wantsLogits(int segment) {
    return wantLogits[segment];
  }

  /** Segments that want logits; their logits come in the order of the segments. */
  public int logitRows() {
    return logitRows;
  }
}
