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
package org.tilekv.examples;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one pass did, as a table.
 *
 * @param pass number of the pass, from 1
 * @param rows rows written
 * @param exact rows equal to what was expected, or null where nothing was
 * @param unanswered rows without an answer: refused ones where errors give null
 * @param digest equal for equal outputs
 * @param seconds wall time
 * @param executors counters of the pass per executor
 */
record PassReport(
    int pass,
    long rows,
    @Nullable Long exact,
    long unanswered,
    String digest,
    double seconds,
    Map<String, ExecutorNumbers> executors) {

  private static final String ROW = "  %-22s %7s %10s %10s %10s %7s %9s %9s %8s %8s%n";

  void print(PrintStream out) {
    ExecutorNumbers total =
        executors.values().stream().reduce(ExecutorNumbers.ZERO, ExecutorNumbers::plus);
    out.printf(Locale.ROOT, "%nPass %d%n", pass);
    line(out, "rows", "%,d", rows);
    if (exact != null) {
      line(out, "exact matches", "%,d of %,d", exact, rows);
    }
    if (unanswered > 0) {
      line(out, "without an answer", "%,d", unanswered);
    }
    line(out, "output digest", "%s", digest);
    line(out, "wall time", "%.1f s", seconds);
    line(
        out,
        "output tokens",
        "%,d (%,.0f per second)",
        total.outputTokens(),
        total.outputTokens() / seconds);
    line(out, "prompt tokens", "%,d", total.promptTokens());
    line(out, "  computed", "%,d", total.computedTokens());
    line(out, "  reused", "%,d (%.1f %%)", total.reusedTokens(), total.hitRatePercent());
    line(out, "  full tiles not found", "%,d", total.missedTiles());
    if (total.cellBytes() > 0) {
      line(
          out,
          "bytes between members",
          "%,d (%,.0f per token through the model)",
          total.cellBytes(),
          total.cellBytesPerToken());
    }
    printDistinct(out, total);
    printExecutors(out);
  }

  private static void line(PrintStream out, String name, String format, Object... values) {
    out.printf(Locale.ROOT, "  %-22s %s%n", name, String.format(Locale.ROOT, format, values));
  }

  /**
   * Distinct positions are counted on request only, and new ones only in the pass that first sees
   * them.
   */
  private static void printDistinct(PrintStream out, ExecutorNumbers total) {
    if (total.distinctPositions() > 0) {
      line(
          out,
          "  new distinct positions",
          "%,d (computed / distinct = %.4f)",
          total.distinctPositions(),
          (double) total.computedTokens() / total.distinctPositions());
    }
  }

  private void printExecutors(PrintStream out) {
    out.printf(
        ROW,
        "executor",
        "rows",
        "prompt",
        "computed",
        "reused",
        "hit %",
        "resident",
        "of pages",
        "evicted",
        "preempt");
    executors.forEach(
        (name, n) ->
            out.printf(
                ROW,
                name,
                n.rows(),
                n.promptTokens(),
                n.computedTokens(),
                n.reusedTokens(),
                String.format(Locale.ROOT, "%.1f", n.hitRatePercent()),
                n.residentTiles(),
                n.poolPages(),
                n.evictedTiles(),
                n.preemptions()));
  }
}
