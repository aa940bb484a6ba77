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
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.engine.GenerationResult.FinishReason;
import org.tilekv.engine.GenerationResult.Sequence;

/**
 * Beam search over one row, with the semantics of {@code _beam_search} in Hugging Face
 * transformers.
 *
 * <p>Each step ranks the continuations of all running beams by the sum of their log-probabilities
 * and keeps {@code max(2, 1 + eos ids) * beams} of them. Those among the best {@code beams} that
 * ended become hypotheses, scored by sum over length to the power of the length penalty; the best
 * {@code beams} that did not end run on. The search is over when nothing can run on, when there are
 * {@code beams} hypotheses and early stopping is on, or when the best running beam, at its present
 * length, scores no better than the worst of them. Among equal scores the lower (beam, token) wins.
 * Scores are sums in double. Confined to the engine's thread.
 */
final class BeamSearch {
  private static final Comparator<Candidate> BEST_FIRST =
      Comparator.comparingDouble(Candidate::score)
          .reversed()
          .thenComparingInt(Candidate::beam)
          .thenComparingInt(Candidate::token);

  private final GenerationRequest request;
  private final StopRule stopRule;
  private final TopLogits top = new TopLogits();
  private final int beamsToKeep;
  private final List<Sequence> finished = new ArrayList<>();
  private final int[] parents;
  private int[][] running;
  private int[][] spare;
  private final double[] scores;
  private int alive = 1;
  private int length;

  /** Says whether a continuation's text ends it. */
  @FunctionalInterface
  interface StopRule {
    boolean ends(int[] generated, int length);
  }

  /** One continuation of a running beam. */
  private record Candidate(double score, int beam, int token) {}

  BeamSearch(GenerationRequest request, StopRule stopRule) {
    this.request = request;
    this.stopRule = stopRule;
    int beams = request.beams();
    this.beamsToKeep = Math.max(2, 1 + request.eosTokens().size()) * beams;
    this.parents = new int[beams];
    this.running = new int[beams][request.maxNewTokens()];
    this.spare = new int[beams][request.maxNewTokens()];
    this.scores = new double[beams];
  }

  /** Tokens that every running beam has generated. */
  int length() {
    return length;
  }

  /** Running beam that each beam of the next step continues. */
  int[] parents() {
    return parents;
  }

  /** Generated tokens of a running beam; the first {@link #length} count. */
  int[] tokens(int beam) {
    return running[beam];
  }

  /**
   * Takes in the logits of all running beams: of one in the first step, of {@code beams} later.
   *
   * @return whether the search is over; otherwise {@link #parents} and {@link #tokens} say how it
   *     goes on
   */
  boolean advance(float[] logits, int offset, int vocab) {
    List<Candidate> candidates = rank(logits, offset, vocab);
    List<Candidate> next = new ArrayList<>(parents.length);
    for (int rank = 0; rank < candidates.size(); rank++) {
      Candidate candidate = candidates.get(rank);
      FinishReason reason = ended(candidate);
      if (reason == null) {
        if (next.size() < parents.length) {
          next.add(candidate);
        }
      } else if (rank < parents.length) {
        finish(candidate, reason);
      }
    }
    length++;
    if (next.isEmpty()) {
      return true;
    }
    moveOn(next);
    return finished.size() == parents.length
        && (request.earlyStopping() || !canImprove(next.get(0).score()));
  }

  private List<Candidate> rank(float[] logits, int offset, int vocab) {
    List<Candidate> candidates = new ArrayList<>(alive * beamsToKeep);
    for (int beam = 0; beam < alive; beam++) {
      int from = offset + beam * vocab;
      double logSum = logSumExp(logits, from, vocab);
      int kept = top.select(logits, from, vocab, Math.min(beamsToKeep, vocab));
      for (int rank = 0; rank < kept; rank++) {
        double logProbability = top.logit(rank) - logSum;
        candidates.add(new Candidate(scores[beam] + logProbability, beam, top.token(rank)));
      }
    }
    candidates.sort(BEST_FIRST);
    return candidates.subList(0, Math.min(beamsToKeep, candidates.size()));
  }

  private static double logSumExp(float[] logits, int offset, int vocab) {
    double max = logits[offset + TokenSampler.argmax(logits, offset, vocab)];
    double sum = 0;
    for (int i = 0; i < vocab; i++) {
      sum += StrictMath.exp(logits[offset + i] - max);
    }
    return max + StrictMath.log(sum);
  }

  private @Nullable FinishReason ended(Candidate candidate) {
    int[] tokens = running[candidate.beam()];
    tokens[length] = candidate.token();
    if (request.eosTokens().contains(candidate.token())) {
      return FinishReason.EOS;
    }
    if (stopRule.ends(tokens, length + 1)) {
      return FinishReason.STOP_STRING;
    }
    return length + 1 == request.maxNewTokens() ? FinishReason.LENGTH : null;
  }

  private void finish(Candidate candidate, FinishReason reason) {
    double score = candidate.score() / penalty(length + 1);
    int at = finished.size();
    while (at > 0 && finished.get(at - 1).score() < score) {
      at--;
    }
    int[] tokens = Arrays.copyOf(running[candidate.beam()], length + 1);
    tokens[length] = candidate.token();
    int textTokens = reason == FinishReason.EOS ? length : length + 1;
    finished.add(at, new Sequence(tokens, textTokens, score, reason));
    if (finished.size() > parents.length) {
      finished.remove(parents.length);
    }
  }

  /** Beams beyond the continuations there are repeat the best one and are never ranked again. */
  private void moveOn(List<Candidate> next) {
    alive = next.size();
    for (int beam = 0; beam < parents.length; beam++) {
      Candidate candidate = next.get(beam < alive ? beam : 0);
      parents[beam] = candidate.beam();
      scores[beam] = candidate.score();
      System.arraycopy(running[candidate.beam()], 0, spare[beam], 0, length - 1);
      spare[beam][length - 1] = candidate.token();
    }
    int[][] old = running;
    running = spare;
    spare = old;
  }

  private boolean canImprove(double bestRunning) {
    return bestRunning / penalty(length) > finished.get(finished.size() - 1).score();
  }

  private double penalty(int generated) {
    return StrictMath.pow(generated, request.lengthPenalty());
  }

  /** Hypotheses found, best first: {@code beams}, or fewer where there were not that many. */
  List<Sequence> hypotheses() {
    return List.copyOf(finished);
  }
}
