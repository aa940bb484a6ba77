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
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.tilekv.MissReason;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.CacheModel.Path;
import org.tilekv.cache.CacheModel.Tile;

/** A sequence of {@link CacheModel}: tokens and tiles of each beam. */
final class ModelSequence {

  /** One beam. */
  static final class Beam {
    List<Integer> tokens;
    List<Tile> tiles;

    Beam(List<Integer> tokens, List<Tile> tiles) {
      this.tokens = new ArrayList<>(tokens);
      this.tiles = new ArrayList<>(tiles);
    }
  }

  final SequenceRequest request;
  final List<Beam> beams = new ArrayList<>();
  long leaseEndMs;
  private final CacheModel model;

  private ModelSequence(CacheModel model, SequenceRequest request) {
    this.model = model;
    this.request = request;
  }

  /** Opens a sequence, or returns null where there is no row. */
  static @Nullable ModelSequence open(CacheModel model, SequenceRequest request) {
    if (model.freeRows == 0) {
      return null;
    }
    model.freeRows--;
    ModelSequence sequence = new ModelSequence(model, request);
    Beam beam = new Beam(List.of(), List.of());
    sequence.beams.add(beam);
    if (request.reusePrefix()) {
      sequence.adoptPrefix(beam);
    }
    model.reusedTokens += beam.tokens.size();
    return sequence;
  }

  private void adoptPrefix(Beam beam) {
    int[] prompt = request.prompt();
    beam.tiles.addAll(model.match(request));
    beam.tiles.forEach(model::use);
    int full = beam.tiles.size() * model.tileTokens;
    model.hitTiles += beam.tiles.size();
    beam.tokens.addAll(CacheModel.list(prompt, full));
    Path donor = model.donor(request, full);
    if (donor != null) {
      copyFrom(donor, beam);
    }
    for (int to = full + model.tileTokens; to < prompt.length; to += model.tileTokens) {
      model.miss(new Path(request.salt(), CacheModel.list(prompt, to)));
    }
    model.missed.merge(MissReason.TOO_SHORT, 1L, Long::sum);
  }

  private void copyFrom(Path donor, Beam beam) {
    Tile from = Objects.requireNonNull(model.named.get(donor));
    List<Integer> wanted = CacheModel.list(request.prompt(), request.prompt().length - 1);
    model.use(from);
    if (model.take(1)) {
      beam.tiles.add(used());
      beam.tokens.addAll(
          wanted.subList(beam.tokens.size(), CacheModel.common(donor.tokens(), wanted)));
      model.partialHits++;
      model.copiedTiles++;
    }
    model.unuse(from);
  }

  private Tile used() {
    Tile tile = new Tile();
    model.use(tile);
    return tile;
  }

  boolean reserve(int length) {
    int tiles = (length + model.tileTokens - 1) / model.tileTokens;
    Map<Tile, Integer> users = new IdentityHashMap<>();
    int missing = 0;
    for (Beam beam : beams) {
      for (int tile = firstUnwritten(beam, length); tile < tiles; tile++) {
        missing += tile >= beam.tiles.size() || mustCopy(beam.tiles.get(tile), users) ? 1 : 0;
      }
    }
    if (!model.take(missing)) {
      return false;
    }
    for (Beam beam : beams) {
      for (int tile = firstUnwritten(beam, length); tile < tiles; tile++) {
        makeWritable(beam, tile);
      }
    }
    return true;
  }

  private int firstUnwritten(Beam beam, int length) {
    return beam.tokens.size() < length ? beam.tokens.size() / model.tileTokens : Integer.MAX_VALUE;
  }

  private static boolean mustCopy(Tile tile, Map<Tile, Integer> users) {
    int left = users.getOrDefault(tile, tile.users);
    users.put(tile, left - 1);
    return left > 1 || tile.name != null;
  }

  private void makeWritable(Beam beam, int tile) {
    if (tile >= beam.tiles.size()) {
      beam.tiles.add(used());
      return;
    }
    Tile before = beam.tiles.get(tile);
    if (before.users > 1 || before.name != null) {
      beam.tiles.set(tile, used());
      model.unuse(before);
      model.copiedTiles += beam.tokens.size() > tile * model.tileTokens ? 1 : 0;
    }
  }

  void commit(int number, int[] tokens) {
    Beam beam = beams.get(number);
    for (int token : tokens) {
      beam.tokens.add(token);
      int length = beam.tokens.size();
      if (request.reusePrefix() && length % model.tileTokens == 0) {
        int tile = length / model.tileTokens - 1;
        Tile own = beam.tiles.get(tile);
        Tile shared = model.publish(own, new Path(request.salt(), List.copyOf(beam.tokens)));
        if (shared != own) {
          model.use(shared);
          beam.tiles.set(tile, shared);
          model.unuse(own);
        }
      }
    }
  }

  boolean fork(int count) {
    if (model.freeRows < count - 1) {
      return false;
    }
    model.freeRows -= count - 1;
    Beam first = beams.get(0);
    for (int i = 1; i < count; i++) {
      first.tiles.forEach(model::use);
      beams.add(new Beam(first.tokens, first.tiles));
    }
    return true;
  }

  void reorder(int[] parents) {
    List<Beam> before = List.copyOf(beams);
    List<List<Tile>> released = new ArrayList<>();
    for (int i = 0; i < parents.length; i++) {
      if (parents[i] != i) {
        Beam parent = before.get(parents[i]);
        parent.tiles.forEach(model::use);
        released.add(before.get(i).tiles);
        beams.set(i, new Beam(parent.tokens, parent.tiles));
      }
    }
    released.forEach(this::giveBack);
  }

  void close() {
    beams.forEach(beam -> giveBack(beam.tiles));
    model.freeRows += beams.size();
  }

  private void giveBack(List<Tile> tiles) {
    for (int tile = tiles.size() - 1; tile >= 0; tile--) {
      model.unuse(tiles.get(tile));
    }
  }

  int references() {
    return beams.stream().mapToInt(beam -> beam.tiles.size()).sum();
  }

  /** Tokens of another prompt that this one's full tiles will hold and do not yet. */
  int promises(SequenceRequest other) {
    if (!request.reusePrefix() || !Objects.equals(request.salt(), other.salt())) {
      return 0;
    }
    int[] prompt = request.prompt();
    List<Integer> will = CacheModel.list(prompt, prompt.length - prompt.length % model.tileTokens);
    int[] wanted = other.prompt();
    int promised = CacheModel.common(will, CacheModel.list(wanted, wanted.length - 1));
    return promised > beams.get(0).tokens.size() ? promised : 0;
  }
}
