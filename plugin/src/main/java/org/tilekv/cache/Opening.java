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
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.tilekv.prefix.PartialMatch;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/**
 * A sequence on its way into the cache: the full tiles that it shares, and one more of which it
 * copies the leading slots. Nobody else knows the sequence yet.
 */
final class Opening {

  final TileSequence sequence;
  private final TileStore store;
  private final TileName root;
  private final int tileTokens;
  private int fullTiles;
  private final List<EvictedTile> evicted = new ArrayList<>();
  private @Nullable PageCopy copy;

  /**
   * Takes what is resident; under the cache's lock.
   *
   * @param copySlots whether leading slots of one more tile are copied
   */
  Opening(
      TileStore store, TileSequence sequence, TileName root, int tileTokens, boolean copySlots) {
    this.store = store;
    this.sequence = sequence;
    this.root = root;
    this.tileTokens = tileTokens;
    if (sequence.reuses()) {
      adoptPrefix(copySlots);
    }
  }

  private void adoptPrefix(boolean copySlots) {
    int[] prompt = sequence.request().prompt();
    PromptMatch match = new PromptMatch(store.index, root, prompt, tileTokens);
    BeamState beam = sequence.beam(0);
    match.groups.forEach(group -> store.append(beam, group));
    fullTiles = match.groups.size();
    copy = match.partial == null || !copySlots ? null : prepareCopy(match.partial);
    if (copy != null) {
      store.append(beam, copy.to());
    }
  }

  /** The donor stays retained until {@link #finish}; null where there is no room for a copy. */
  private @Nullable PageCopy prepareCopy(PartialMatch partial) {
    store.retain(partial.donor());
    List<TileGroup> groups = store.allocate(1, evicted);
    if (groups == null) {
      store.release(partial.donor());
      return null;
    }
    return new PageCopy(partial.donor(), groups.get(0), partial.slots());
  }

  int fullTiles() {
    return fullTiles;
  }

  /** The copy to make outside the lock, or null. */
  @Nullable PageCopy copy() {
    return copy;
  }

  /** Tiles that made room, to be saved before the copy is made. */
  List<EvictedTile> evicted() {
    return evicted;
  }

  /** Slots of the copy. */
  int partialSlots() {
    return copy == null ? 0 : copy.slots();
  }

  /**
   * Names of the full tiles that were not there; computed outside the lock. The matched groups are
   * retained, so that their names can be read.
   */
  List<TileName> missedNames() {
    if (!sequence.reuses()) {
      return List.of();
    }
    return PromptMatch.missedNames(
        lastName(), sequence.request().prompt(), fullTiles * tileTokens, tileTokens);
  }

  /** Name of the last full tile that is shared, or of the root. */
  TileName lastName() {
    return fullTiles == 0
        ? root
        : Objects.requireNonNull(sequence.beam(0).groups.get(fullTiles - 1).name());
  }

  /** Lets go of the donor, and says what the sequence holds; under the cache's lock. */
  void finish() {
    if (copy != null) {
      store.release(copy.from());
    }
    BeamState beam = sequence.beam(0);
    int[] prompt = sequence.request().prompt();
    System.arraycopy(prompt, fullTiles * tileTokens, beam.tail, 0, partialSlots());
    beam.length = fullTiles * tileTokens + partialSlots();
    sequence.opened(beam.length);
  }
}
