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

import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.tilekv.coordinator.plan.PlanSummary;

/** What the batch planner of an application has done so far. Thread-safe. */
final class PlanCounters {

  private final AtomicLong jobs = new AtomicLong();
  private final AtomicLong skippedJobs = new AtomicLong();
  private final AtomicLong rows = new AtomicLong();
  private final AtomicLong savedTokens = new AtomicLong();
  private final AtomicLong millis = new AtomicLong();

  void planned(PlanSummary summary, double seconds) {
    jobs.incrementAndGet();
    rows.addAndGet(summary.rows());
    savedTokens.addAndGet(summary.savedTokens());
    millis.addAndGet((long) (1000 * seconds));
  }

  void skipped() {
    skippedJobs.incrementAndGet();
  }

  long jobs() {
    return jobs.get();
  }

  long skippedJobs() {
    return skippedJobs.get();
  }

  long rows() {
    return rows.get();
  }

  long savedTokens() {
    return savedTokens.get();
  }

  long millis() {
    return millis.get();
  }

  /** A plan in one line. */
  static String describe(
      PlanSummary summary, boolean gains, double seconds, double tokeniseSeconds) {
    String what =
        gains
            ? String.format(
                Locale.ROOT,
                "in %,d groups, none more than %.2f times its share",
                summary.groups(),
                summary.mostOfShare())
            : "stay as they are";
    return String.format(
        Locale.ROOT,
        "TileKV plan: %,d rows %s; %,d shared prefixes of %,d tiles; %,d of %,d prompt tokens need"
            + " not be computed (%.1f %%), %,d are computed again on another executor; planned in"
            + " %.2f s, tokenising took %.2f s of task time",
        summary.rows(),
        what,
        summary.prefixes(),
        summary.nodes(),
        summary.savedTokens(),
        summary.promptTokens(),
        100 * summary.savedShare(),
        summary.repeatedTokens(),
        seconds,
        tokeniseSeconds);
  }
}
