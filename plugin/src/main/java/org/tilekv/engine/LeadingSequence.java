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

import java.util.stream.IntStream;
import org.tilekv.KvSequence;

/** A sequence of {@link LeadingCache}. */
final class LeadingSequence implements KvSequence {

  private final KvSequence sequence;
  private final int id;
  private final long owner;
  private final CellLog log;
  private final Runnable whenClosed;
  private boolean closed;

  LeadingSequence(KvSequence sequence, int id, long owner, CellLog log, Runnable whenClosed) {
    this.sequence = sequence;
    this.id = id;
    this.owner = owner;
    this.log = log;
    this.whenClosed = whenClosed;
  }

  long owner() {
    return owner;
  }

  @Override
  public int length() {
    return sequence.length();
  }

  @Override
  public int cachedTokens() {
    return sequence.cachedTokens();
  }

  @Override
  public int beams() {
    return sequence.beams();
  }

  @Override
  public int row(int beam) {
    return sequence.row(beam);
  }

  /** A refusal changes nothing and is not noted. */
  @Override
  public boolean reserve(int newLength) {
    boolean reserved = sequence.reserve(newLength);
    if (reserved) {
      log.reserved(id, newLength);
    }
    return reserved;
  }

  @Override
  public void commit(int beam, int[] tokens, int from, int count) {
    sequence.commit(beam, tokens, from, count);
    log.committed(id, beam, tokens, from, count);
  }

  @Override
  public boolean fork(int beams) {
    boolean forked = sequence.fork(beams);
    if (forked) {
      log.forked(id, IntStream.range(0, beams).map(sequence::row).toArray());
    }
    return forked;
  }

  @Override
  public void reorder(int[] parents) {
    sequence.reorder(parents);
    log.reordered(id, parents);
  }

  @Override
  public void renewLease() {
    sequence.renewLease();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    sequence.close();
    log.closed(id);
    whenClosed.run();
  }
}
