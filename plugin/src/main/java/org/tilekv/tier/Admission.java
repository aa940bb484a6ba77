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
package org.tilekv.tier;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tilekv.config.DiskAdmission;

/**
 * Decides which groups a tier takes, so that data which is used once does not wear a disk, nor keep
 * a link busy.
 *
 * <p>A group is let in when a plan needs it again, when it has been used more than once, or when it
 * is offered for the second time: the tier remembers the groups it was offered, a bounded number of
 * them, by name only. The same memory tells what became of groups at their first offer: asked for
 * again, or not within the next {@value #VERDICT_OFFERS} offers. While at least half of the recent
 * ones are asked for again, a first offer is let in, too. So a job that reads everything twice pays
 * for one round of refusals only, and a scan of data that never comes back stops the writes after
 * {@value #VERDICT_OFFERS} groups.
 *
 * <p>Groups let in are watched like those refused, so the judgement goes both ways. Safe for
 * threads; O(1) per call.
 */
final class Admission {
  private static final int VERDICT_OFFERS = 1024;
  private static final double WEIGHT = 1.0 / 64;
  private static final double LET_IN = 0.5;

  private static final class Offer {
    boolean asked;
    boolean judged;
  }

  private final DiskAdmission mode;
  private final int mostOffers;
  private final Map<GroupKey, Offer> offers = new LinkedHashMap<>();
  private final Deque<Offer> unjudged = new ArrayDeque<>();

  /** Share of recent first offers that were asked for again, newer ones counting more. */
  private double reuseShare;

  /**
   * Makes an admission.
   *
   * @param mostOffers groups that it remembers, 1 or more
   */
  Admission(DiskAdmission mode, int mostOffers) {
    this.mode = mode;
    this.mostOffers = mostOffers;
  }

  /** Whether to take a group that is not in the tier. */
  synchronized boolean admits(GroupKey key, Reuse reuse) {
    if (mode == DiskAdmission.ALWAYS) {
      return true;
    }
    if (offers.containsKey(key)) {
      return true;
    }
    remember(key);
    return reuse != Reuse.UNKNOWN || reuseShare >= LET_IN;
  }

  private void remember(GroupKey key) {
    Offer offer = new Offer();
    offers.put(key, offer);
    unjudged.add(offer);
    if (unjudged.size() > VERDICT_OFFERS) {
      Offer old = unjudged.remove();
      if (!old.judged) {
        judge(old, 0);
      }
    }
    if (offers.size() > mostOffers) {
      Iterator<Offer> eldest = offers.values().iterator();
      eldest.next();
      eldest.remove();
    }
  }

  /** Says that a group was asked for, whether it is on disk or not. */
  synchronized void asked(GroupKey key) {
    Offer offer = offers.get(key);
    if (offer != null && !offer.asked) {
      offer.asked = true;
      judge(offer, 1);
    }
  }

  private void judge(Offer offer, int reused) {
    offer.judged = true;
    reuseShare += WEIGHT * (reused - reuseShare);
  }

  synchronized double reuseShare() {
    return reuseShare;
  }
}
