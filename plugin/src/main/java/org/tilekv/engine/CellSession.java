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

import java.nio.ByteBuffer;

/**
 * One job of a cell, as one member sees it: the leader's engine takes rows until {@link #finish},
 * the other members {@link #follow}. Where it ends before, its tiles are not used again. Used by
 * one thread, but for {@link #close}.
 */
public final class CellSession implements AutoCloseable {

  private final CellModel model;
  private final CellLink link;
  private final long lineage;
  private final LeadingCache cache;
  private final LeadingDecoder decoder;
  private final CellFollower follower;

  CellSession(CellModel model, CellLink link, long lineage) {
    this.model = model;
    this.link = link;
    this.lineage = lineage;
    CellLog log = new CellLog();
    cache = new LeadingCache(model.tiles(), log);
    decoder = new LeadingDecoder(model.decoder(), log, link);
    follower = new CellFollower(model.tiles(), model.decoder());
    if (leads()) {
      model.startEngine(decoder, cache);
    }
  }

  /** Whether rows are submitted to this member. */
  public boolean leads() {
    return link.rank() == 0;
  }

  /**
   * Runs the steps of the leader until it has finished.
   *
   * @param checkpoint called while waiting for a step; throws where the task was killed
   * @throws CellException where the leader or another member is gone, or the caches differ
   */
  public void follow(Runnable checkpoint) {
    boolean more = true;
    while (more) {
      more = follower.take(CellHandshake.await(link, 0, checkpoint));
    }
    model.endedWell(lineage);
    link.send(0, ByteBuffer.allocate(1));
  }

  /**
   * Ends the job of a leader, all of whose rows have their results: the other members do the rest
   * of what it did and say so.
   */
  public void finish() {
    model.stopEngine();
    cache.close();
    decoder.end();
    for (int from = 1; from < link.size(); from++) {
      link.receive(from);
    }
    model.endedWell(lineage);
  }

  /** Leaves the cell; the other members see this one go. */
  @Override
  public void close() {
    link.close();
    model.stopEngine();
    cache.close();
    follower.close();
    model.left(link);
  }
}
