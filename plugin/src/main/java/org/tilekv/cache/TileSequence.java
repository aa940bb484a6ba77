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
  private final TileName root;
  private final int tileTokens;
  private List<BeamState> beams = new ArrayList<>();
  private int cachedTokens;
  private long leaseEndMs;
  private boolean closed;
  // A copy is under way outside the lock: closing waits for its end.
  private boolean copying;
  private boolean closeAfterCopy;

  /** Takes a row; under the cache's lock. */
  TileSequence(TileCache cache, SequenceRequest request, boolean reuses, TileName root) {
    this.cache = cache;
    this.request = request;
    this.reuses = reuses;
    this.root = root;
    this.tileTokens = cache.geometry().tileTokens();
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
    if (!reuses || !root.equals(promptRoot)) {
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
      return beam(beam).row;
    }
  }

  @Override
  public boolean reserve(int newLength) {
    List<PageCopy> copies;
    synchronized (cache.lock()) {
      requireOpen();
      renew();
      requireFits(newLength);
      copies = new Reservation(cache.store(), beams, tileTokens).make(newLength);
      if (copies == null) {
        return false;
      }
      copying = !copies.isEmpty();
    }
    for (PageCopy copy : copies) {
      cache.copySlots(copy.from(), copy.to(), copy.slots());
    }
    if (!copies.isEmpty()) {
      synchronized (cache.lock()) {
        copies.forEach(copy -> cache.store().release(copy.from()));
        cache.store().counters.copiedPages += (long) copies.size() * cache.store().heads();
        copying = false;
        if (closeAfterCopy) {
          close();
        }
      }
    }
    return true;
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

  @Override
  public void commit(int beam, int[] tokens, int from, int count) {
    synchronized (cache.lock()) {
      requireOpen();
      renew();
      BeamState state = beam(beam);
      int room = state.groups.size() * tileTokens - state.length;
      if (count > room) {
        throw new TileKvException(
            "beam " + beam + " commits " + count + " tokens; " + room + " are reserved");
      }
      for (int i = 0; i < count; i++) {
        int slot = state.length % tileTokens;
        state.tail[slot] = tokens[from + i];
        state.length++;
        if (slot == tileTokens - 1) {
          finishTile(state);
        }
      }
    }
  }

  private void finishTile(BeamState beam) {
    if (!reuses) {
      return;
    }
    int tile = beam.length / tileTokens - 1;
    TileGroup own = beam.groups.get(tile);
    if (own.named()) {
      return;
    }
    TileGroup parent = tile == 0 ? null : beam.groups.get(tile - 1);
    TileName parentName = parent == null ? root : Objects.requireNonNull(parent.name());
    TileName name = parentName.child(beam.tail, 0, tileTokens);
    TileStore store = cache.store();
    TileGroup same = store.index.find(name, beam.tail, 0, tileTokens);
    if (same != null) {
      store.replace(beam, tile, same);
      return;
    }
    store.index.publish(own, name, root, parent, beam.tail.clone());
    store.counters.publishedTiles++;
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
    long end = cache.options().clockMs().getAsLong() + cache.options().leaseTtlMs();
    leaseEndMs = Math.max(leaseEndMs, end);
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
  public void close() {
    synchronized (cache.lock()) {
      if (copying) {
        closeAfterCopy = true;
        return;
      }
      if (closed) {
        return;
      }
      closed = true;
      beams.forEach(cache.store()::close);
      cache.closed(this);
    }
  }
}
