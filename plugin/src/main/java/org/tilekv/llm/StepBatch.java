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
 * Input of one forward step: token ids, the page-table rows and positions they belong to, and what
 * each segment wants of its last token. Reused from step to step; filled and read by one thread.
 */
public final class StepBatch {

  /** What a segment wants of its last token. */
  public enum Want {
    NOTHING,
    /** The logits. */
    LOGITS,
    /**
     * The token with the highest logit, or one drawn where {@link #sample} says so; only of a
     * {@link TokenDecoder}.
     */
    TOKEN
  }

  private final Segments segments = new Segments();
  private int[] tokens = new int[64];
  private Want[] wants = new Want[16];
  private final StepSampling sampling = new StepSampling();
  private int logitRows;
  private int tokenRows;

  /** Empties the batch. */
  public void clear() {
    segments.clear();
    sampling.clear();
    logitRows = 0;
    tokenRows = 0;
  }

  /**
   * Adds {@code source[from..from+count)} at positions {@code start} on of a page-table row.
   *
   * @param want what is wanted of the last token
   */
  public void add(int row, int start, int[] source, int from, int count, Want want) {
    int at = segments.tokens();
    if (at + count > tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.max(at + count, 2 * tokens.length));
    }
    System.arraycopy(source, from, tokens, at, count);
    int segment = segments.add(row, start, count);
    if (segment == wants.length) {
      wants = Arrays.copyOf(wants, 2 * segment);
    }
    wants[segment] = want;
    logitRows += want == Want.LOGITS ? 1 : 0;
    tokenRows += want == Want.TOKEN ? 1 : 0;
  }

  /**
   * Has the token of the segment added last drawn from the logits: temperature, then top-k, then
   * top-p; in ranked order (logit descending, lower id first) with top-k or top-p, else in the
   * order of ids.
   *
   * @param temperature above 0
   * @param topK how many tokens are left, 0 for all
   * @param topP mass that the tokens left hold at least, above 0; 1 for all
   * @param draw where in their mass the token is, in [0, 1)
   */
  public void sample(double temperature, int topK, double topP, double draw) {
    int segment = segments.size() - 1;
    if (wants[segment] != Want.TOKEN) {
      throw new IllegalStateException("the segment wants " + wants[segment] + ", not a token");
    }
    sampling.set(segment, temperature, topK, topP, draw);
  }

  /** How the tokens of {@link #sample} are drawn. */
  public StepSampling sampling() {
    return sampling;
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

  /** What {@link #forEachSegment} calls: {@code tokens[from..from+count)} from {@code start} on. */
  public interface SegmentVisitor {
    void visit(int row, int start, int[] tokens, int from, int count);
  }

  /** Visits the segments in the order in which they were added. */
  public void forEachSegment(SegmentVisitor visitor) {
    for (int i = 0; i < segments.size(); i++) {
      visitor.visit(
          segments.row(i), segments.start(i), tokens, segments.offset(i), segments.count(i));
    }
  }

  /** Segments added so far. */
  public int size() {
    return segments.size();
  }

  public Want want(int segment) {
    return wants[segment];
  }

  /** Segments that want logits; their logits come in the order of the segments. */
  public int logitRows() {
    return logitRows;
  }

  /** Segments that want a token; the tokens come in the order of the segments. */
  public int tokenRows() {
    return tokenRows;
  }
}
