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
package org.tilekv.cache;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.TileKvException;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/** A sequence of {@link TileCache}; its state is guarded by the cache's lock. */
final class TileSequence implements KvSequence {

  private final TileCache cache;
  private final SequenceRequest request;
  private final boolean reuses;
  private final boolean promises;
  private final TileName root;
  private final int tileTokens;
  private final Committer committer;
  private final List<BeamState> beams = new ArrayList<>();
  private int cachedTokens;
  private boolean promptHeld;
  private long leaseEndMs = Long.MIN_VALUE;
  private boolean closed;
  // A copy is under way outside the lock: a closed sequence gives its pages back at its end.
  private boolean copying;

  /**
   * Takes a row; under the cache's lock.
   *
   * @param promises whether others may wait for the tiles of its prompt
   */
  TileSequence(
      TileCache cache, SequenceRequest request, boolean reuses, boolean promises, TileName root) {
    this.promises = promises;
    this.cache = cache;
    this.request = request;
    this.reuses = reuses;
    this.root = root;
    this.tileTokens = cache.geometry().tileTokens();
    committer = new Committer(cache.store(), root, reuses, tileTokens);
    beams.add(new BeamState(cache.store().takeRow(), tileTokens));
    renew();
  }

  /** Called once the prefix is in place; under the cache's lock. */
  void opened(int cached) {
    cachedTokens = cached;
  }

  SequenceRequest request() {
    return request;
  }

  boolean reuses() {
    return reuses;
  }

  boolean isOpen() {
    return !closed;
  }

  long leaseEndMs() {
    return leaseEndMs;
  }

  List<BeamState> beamStates() {
    return beams;
  }

  BeamState beam(int beam) {
    if (beam < 0 || beam >= beams.size()) {
      throw new IllegalArgumentException(
          "beam is " + beam + "; this sequence has beams 0 to " + (beams.size() - 1));
    }
    return beams.get(beam);
  }

  /**
   * Leading tokens of another prompt that this sequence will have published once its own prompt is
   * computed.
   */
  int promisedTokens(int[] prompt, TileName promptRoot) {
    if (!reuses || !promises || !root.equals(promptRoot)) {
      return 0;
    }
    int[] own = request.prompt();
    int mismatch = Arrays.mismatch(own, prompt);
    int common = mismatch < 0 ? own.length : mismatch;
    int published = own.length - own.length % tileTokens;
    int promised = Math.min(Math.min(common, published), prompt.length - 1);
    return promised > beams.get(0).length ? promised : 0;
  }

  @Override
  public int length() {
    synchronized (cache.lock()) {
      return shortest();
    }
  }

  private int shortest() {
    int length = Integer.MAX_VALUE;
    for (BeamState beam : beams) {
      length = Math.min(length, beam.length);
    }
    return length;
  }

  @Override
  public int cachedTokens() {
    return cachedTokens;
  }

  @Override
  public int beams() {
    synchronized (cache.lock()) {
      return beams.size();
    }
  }

  @Override
  public int row(int beam) {
    synchronized (cache.lock()) {
      requireOpen();
      return beam(beam).row;
    }
  }

  @Override
  public boolean reserve(int newLength) {
    Reservation reservation = new Reservation(cache.store(), beams, tileTokens);
    List<PageCopy> copies;
    synchronized (cache.lock()) {
      requireOpen();
      renew();
      requireFits(newLength);
      copies = make(reservation, newLength);
      if (copies == null || copies.isEmpty() && reservation.evicted().isEmpty()) {
        return copies != null;
      }
      copying = true;
      cache.workBegins();
    }
    boolean copied = false;
    try {
      cache.save(reservation.evicted());
      copies.forEach(cache::copySlots);
      copied = true;
    } catch (Throwable failure) {
      cache.lettingGoAfter(failure);
      throw failure;
    } finally {
      endCopy(copies, copied);
    }
    return true;
  }

  /** Tiles that are being read cannot be evicted for a moment, which must not make a row fail. */
  private @Nullable List<PageCopy> make(Reservation reservation, int newLength) {
    List<PageCopy> copies = reservation.make(newLength);
    if (copies == null && cache.awaitReads()) {
      requireOpen();
      copies = reservation.make(newLength);
    }
    return copies;
  }

  /** Without all of its bytes the sequence is of no use: it is closed. */
  private void endCopy(List<PageCopy> copies, boolean copied) {
    synchronized (cache.lock()) {
      TileStore store = cache.store();
      copies.forEach(copy -> store.release(copy.from()));
      copying = false;
      if (copied) {
        store.counters.copiedPages += (long) copies.size() * store.heads();
      }
      if (closed) {
        giveBack();
      } else if (!copied) {
        close();
      }
      cache.workEnds();
      if (copied) {
        requireOpen();
      }
    }
  }

  private void requireFits(int newLength) {
    int most = cache.options().maxTiles() * tileTokens;
    if (newLength > most) {
      throw new TileKvException(
          "a length of "
              + newLength
              + " tokens is asked for; sequences of this cache have at most "
              + most);
    }
  }

  /** Fills the next whole tiles with bytes from elsewhere; false where there is no room for all. */
  boolean fillTiles(List<ByteBuffer> bytes) {
    Reservation reservation = new Reservation(cache.store(), beams, tileTokens);
    List<TileGroup> groups;
    synchronized (cache.lock()) {
      requireOpen();
      renew();
      BeamState beam = beam(0);
      int first = beam.length / tileTokens;
      if (make(reservation, beam.length + bytes.size() * tileTokens) == null) {
        return false;
      }
      groups = List.copyOf(beam.groups.subList(first, first + bytes.size()));
      copying = true;
      cache.workBegins();
    }
    boolean filled = false;
    try {
      cache.save(reservation.evicted());
      cache.copyIn(groups, bytes);
      filled = true;
    } finally {
      endCopy(List.of(), filled);
    }
    synchronized (cache.lock()) {
      append(0, request.prompt(), beam(0).length, bytes.size() * tileTokens);
      committer.takeReplaced().forEach(cache.store()::release);
      cache.store().counters.loadedTiles += bytes.size();
    }
    return true;
  }

  @Override
  public void commit(int beam, int[] tokens, int from, int count) {
    List<TileGroup> replaced;
    synchronized (cache.lock()) {
      append(beam, tokens, from, count);
      notePrompt(beam(beam));
      replaced = committer.takeReplaced();
      if (replaced.isEmpty()) {
        return;
      }
      cache.workBegins();
    }
    release(replaced);
  }

  /** Lets go of groups that a step under way may use; where that fails nobody ever gets them. */
  private void release(List<TileGroup> groups) {
    boolean ordered = false;
    try {
      cache.lettingGo();
      ordered = true;
    } finally {
      synchronized (cache.lock()) {
        if (ordered) {
          groups.forEach(cache.store()::release);
        }
        cache.workEnds();
      }
    }
  }

  private void append(int beam, int[] tokens, int from, int count) {
    requireOpen();
    renew();
    Objects.checkFromIndexSize(from, count, tokens.length);
    committer.commit(beam, beam(beam), tokens, from, count);
  }

  /** Tells once that the prompt is in place. */
  private void notePrompt(BeamState beam) {
    int tiles = request.prompt().length / tileTokens;
    if (!promptHeld && beam.length >= request.prompt().length) {
      promptHeld = true;
      if (reuses && tiles > 0) {
        cache.store().policy().promptHeld(beam.groups.get(tiles - 1));
      }
    }
  }

  @Override
  public boolean fork(int count) {
    synchronized (cache.lock()) {
      requireOpen();
      if (beams.size() != 1 || count < 1) {
        throw new TileKvException(
            "a sequence of "
                + beams.size()
                + " beams is forked into "
                + count
                + "; only one beam can be forked, into at least one");
      }
      if (cache.store().freeRows() < count - 1) {
        return false;
      }
      BeamState.Snapshot state = beams.get(0).snapshot();
      for (int i = 1; i < count; i++) {
        BeamState beam = new BeamState(cache.store().takeRow(), tileTokens);
        adopt(beam, state);
        beams.add(beam);
      }
      return true;
    }
  }

  private void adopt(BeamState beam, BeamState.Snapshot state) {
    cache.store().repoint(beam, state.groups());
    beam.length = state.length();
    beam.tail = state.tail().clone();
  }

  @Override
  public void reorder(int[] parents) {
    synchronized (cache.lock()) {
      requireOpen();
      if (parents.length != beams.size()) {
        throw new TileKvException(
            "reorder names "
                + parents.length
                + " parents; the sequence has "
                + beams.size()
                + " beams");
      }
      List<BeamState.@Nullable Snapshot> states = new ArrayList<>();
      for (int i = 0; i < parents.length; i++) {
        states.add(parents[i] == i ? null : beam(parents[i]).snapshot());
      }
      // Retained as a whole first: a group must not be given back before its new row has it.
      states.forEach(state -> forEachGroup(state, cache.store()::retain));
      for (int i = 0; i < parents.length; i++) {
        BeamState.Snapshot state = states.get(i);
        if (state != null) {
          adopt(beams.get(i), state);
        }
      }
      states.forEach(state -> forEachGroup(state, cache.store()::release));
    }
  }

  private static void forEachGroup(BeamState.@Nullable Snapshot state, Consumer<TileGroup> action) {
    if (state != null) {
      state.groups().forEach(action);
    }
  }

  @Override
  public void renewLease() {
    synchronized (cache.lock()) {
      requireOpen();
      renew();
    }
  }

  private void renew() {
    long now = cache.options().clockMs().getAsLong();
    long end = now + cache.options().leaseTtlMs();
    leaseEndMs = Math.max(leaseEndMs, end < now ? Long.MAX_VALUE : end);
  }

  private void requireOpen() {
    if (closed) {
      throw new TileKvException(
          "the sequence of owner "
              + request.owner()
              + " is closed: by its owner, with its owner, or because its lease ran out");
    }
  }

  @Override
  public void setAside() {
    synchronized (cache.lock()) {
      if (!closed) {
        beams.forEach(beam -> beam.groups.forEach(TileGroup::expect));
      }
      close();
    }
  }

  @Override
  public void close() {
    synchronized (cache.lock()) {
      if (closed) {
        return;
      }
      closed = true;
      if (!copying) {
        giveBack();
      }
    }
  }

  /** Gives row and pages of every beam back; under the cache's lock. */
  void giveBack() {
    beams.forEach(cache.store()::close);
    cache.closed(this);
  }
}
