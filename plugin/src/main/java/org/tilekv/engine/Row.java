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

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.llm.StepBatch;
import org.tilekv.llm.StepBatch.Want;

/**
 * One submitted request on its way: queued, running with an open sequence, or set back to the queue
 * without one. A row first computes its known tokens in chunks, then one token per beam and step.
 * Confined to the engine's thread, but for {@link #request} and {@link #future}.
 */
abstract class Row {
  final GenerationRequest request;

  /** Place in the order of arrival: the highest one is the youngest row. */
  final long order;

  final CompletableFuture<GenerationResult> future = new CompletableFuture<>();

  private @Nullable KvSequence sequence;
  private int plannedTokens;
  private int plannedLogits;
  private boolean plannedChoice;
  private int mostComputed;
  private int reusedTokens = -1;
  private long putOffNs;
  private int putOffTokens;
  private boolean putOff;
  private PrefixLoads.@Nullable Load load;
  private long submittedNs;
  private long firstTokenNanos = -1;

  Row(GenerationRequest request, long order) {
    this.request = request;
    this.order = order;
  }

  /** Page-table rows that it may come to hold. */
  final int slots() {
    return request.beams();
  }

  /** Tokens to compute before the row can decode: {@code known()[0..knownTokens())}. */
  abstract int[] known();

  abstract int knownTokens();

  /** Whether the next step computes one generated token per beam, not a chunk of known ones. */
  abstract boolean decoding();

  /**
   * Takes in the logits of the last step.
   *
   * @return whether the row is done
   */
  abstract boolean choose(float[] logits, int offset, int vocab, EngineCounters counters);

  /**
   * Takes in the token that the decoder chose.
   *
   * @return whether the row is done
   */
  boolean chosen(int token, EngineCounters counters) {
    throw new IllegalStateException(this + " wants logits, not a token");
  }

  /** What came of a row that is done. */
  abstract GenerationResult result();

  /** Says when the row was submitted. */
  final void submitted(long nowNs) {
    submittedNs = nowNs;
  }

  /** Says that the row has had tokens chosen; only the first time counts. */
  final void hasToken(long nowNs) {
    if (firstTokenNanos < 0) {
      firstTokenNanos = nowNs - submittedNs;
    }
  }

  final long firstTokenNanos() {
    return firstTokenNanos;
  }

  final KvSequence sequence() {
    return Objects.requireNonNull(sequence, "row is not running");
  }

  final boolean running() {
    return sequence != null;
  }

  /** Starts the row, for the first time or again. */
  void start(KvSequence opened) {
    sequence = opened;
    putOff = false;
    load = null;
    if (reusedTokens < 0) {
      reusedTokens = opened.cachedTokens();
    }
  }

  /** Whether it has been admitted before. */
  final boolean admittedBefore() {
    return reusedTokens >= 0;
  }

  final int reusedTokens() {
    return Math.max(0, reusedTokens);
  }

  /** Gives the pages back. */
  final void stop() {
    KvSequence open = sequence;
    sequence = null;
    if (open != null) {
      open.close();
    }
  }

  /** Gives the pages back for now: the row will be started again. */
  void setBack() {
    KvSequence open = sequence;
    sequence = null;
    if (open != null) {
      open.setAside();
    }
  }

  /** Length that the row's next step needs room for. */
  final int nextLength() {
    return decoding() ? sequence().length() + 1 : knownTokens();
  }

  /**
   * Adds the row's part to a step.
   *
   * @param room most tokens to add; at least one per beam for a row that decodes
   * @param chosen which tokens the decoder chooses itself
   * @return tokens added
   */
  int plan(StepBatch batch, int room, Chosen chosen) {
    int start = sequence().length();
    int count = Math.min(room, knownTokens() - start);
    boolean last = start + count == knownTokens();
    Want want = last ? wanted(chosen) : Want.NOTHING;
    batch.add(sequence().row(0), start, known(), start, count, want);
    if (want == Want.TOKEN) {
      sample(batch);
    }
    planned(count, want == Want.LOGITS ? 1 : 0, want == Want.TOKEN);
    return count;
  }

  /** Says how the token of the segment added last is drawn; the likeliest where it says nothing. */
  void sample(StepBatch batch) {}

  /** What the row wants of its last known token. */
  Want wanted(Chosen chosen) {
    return Want.LOGITS;
  }

  final void planned(int tokens, int logits, boolean choice) {
    plannedTokens = tokens;
    plannedLogits = logits;
    plannedChoice = choice;
  }

  /** Whether its part of the step gives a token that the decoder chose. */
  final boolean plannedChoice() {
    return plannedChoice;
  }

  final int plannedTokens() {
    return plannedTokens;
  }

  /** Rows of logits that its part of the step gives. */
  final int plannedLogits() {
    return plannedLogits;
  }

  /**
   * Makes room for the token that the running step chooses, where there is room; nobody is set back
   * for it.
   */
  final void reserveAhead() {
    if (plannedChoice) {
      sequence().reserve(sequence().length() + 1);
    }
  }

  /** Declares the planned tokens computed. */
  void commit(EngineCounters counters) {
    int start = sequence().length();
    sequence().commit(0, known(), start, plannedTokens);
    countComputed(start, start + plannedTokens, counters);
  }

  private void countComputed(int from, int to, EngineCounters counters) {
    counters.promptTokensComputed.add(Math.max(0, Math.min(to, request.prompt().length) - from));
    counters.recomputedTokens.add(Math.max(0, Math.min(to, mostComputed) - from));
    mostComputed = Math.max(mostComputed, to);
  }

  /** Time since the prefix that the row is put off for last grew; 0 if it is not put off. */
  final long waitedNs(long nowNs) {
    return putOff ? nowNs - putOffNs : 0;
  }

  /**
   * Another row is computing its prefix.
   *
   * @param residentTokens those of the prefix that are there
   * @return whether this is the first time since it was queued
   */
  final boolean putOff(long nowNs, int residentTokens) {
    boolean first = !putOff;
    if (first || residentTokens > putOffTokens) {
      putOffNs = nowNs;
      putOffTokens = residentTokens;
    }
    putOff = true;
    return first;
  }

  /** What it has asked of sources since it was queued, or null. */
  final PrefixLoads.@Nullable Load load() {
    return load;
  }

  final void loads(PrefixLoads.Load begun) {
    load = begun;
  }

  final SequenceRequest sequenceRequest(boolean reusePrefix) {
    int[] tokens = known();
    if (tokens.length != knownTokens()) {
      tokens = java.util.Arrays.copyOf(tokens, knownTokens());
    }
    return new SequenceRequest(tokens, request.owner(), request.salt(), reusePrefix);
  }

  @Override
  public String toString() {
    return "row " + request.rowKey() + " of owner " + request.owner();
  }
}
