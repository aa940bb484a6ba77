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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.tilekv.BatchPlan;
import org.tilekv.CacheStats;
import org.tilekv.KvCache;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.PlannedRows;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;
import org.tilekv.TileKvException;

/**
 * A small cache with one KV head whose "K and V" of a position is its token id. Plain and slow: the
 * engine's tests read the token history back through its page table.
 */
final class FakeKvCache implements KvCache {
  final TileGeometry geometry;
  final int pages;
  final int[][] table;
  final int[][] memory;
  final int[] references;
  final List<FakeSequence> open = new ArrayList<>();
  int opened;
  int renewals;
  int expiries;

  // Full tiles by all tokens up to their end; in the order of their last use.
  long commitFailsOf = Long.MIN_VALUE;
  @Nullable Error commitFailure;
  @Nullable RuntimeException reserveFailure;
  private final LinkedHashMap<List<Integer>, Integer> published = new LinkedHashMap<>();
  private int evicted;
  private int peakPinned;

  FakeKvCache(int pages, int rows, int tileTokens, int maxTokens) {
    this.geometry = new TileGeometry(1, 1, 1, tileTokens, KvDtype.FLOAT32);
    this.pages = pages;
    this.table = new int[rows][geometry.tilesFor(maxTokens)];
    for (int[] row : table) {
      Arrays.fill(row, -1);
    }
    this.memory = new int[pages][tileTokens];
    this.references = new int[pages];
  }

  @Override
  public TileGeometry geometry() {
    return geometry;
  }

  @Override
  public synchronized @Nullable KvSequence open(SequenceRequest request) {
    int row = freeRow();
    if (row < 0) {
      return null;
    }
    opened++;
    FakeSequence sequence = new FakeSequence(request, row);
    if (request.reusePrefix()) {
      sequence.match();
    }
    open.add(sequence);
    return sequence;
  }

  private int freeRow() {
    for (int row = 0; row < table.length; row++) {
      int candidate = row;
      if (open.stream().noneMatch(s -> s.rows.contains(candidate))) {
        return row;
      }
    }
    return -1;
  }

  @Override
  public synchronized PrefixProbe probe(SequenceRequest request) {
    if (!request.reusePrefix()) {
      return new PrefixProbe(0, 0);
    }
    int most = request.prompt().length - 1;
    int resident = Math.min(most, residentTokens(request.prompt()));
    int promised = resident;
    for (FakeSequence sequence : open) {
      int[] other = sequence.request.prompt();
      int full = other.length / geometry.tileTokens() * geometry.tileTokens();
      promised = Math.max(promised, Math.min(most, common(request.prompt(), other, full)));
    }
    return new PrefixProbe(resident, promised);
  }

  private int residentTokens(int[] prompt) {
    int tile = fullTiles(prompt);
    int best = tile * geometry.tileTokens();
    for (List<Integer> key : published.keySet()) {
      if (key.size() == (tile + 1) * geometry.tileTokens()) {
        int[] tokens = key.stream().mapToInt(i -> i).toArray();
        best = Math.max(best, common(prompt, tokens, tokens.length));
      }
    }
    return best;
  }

  private int fullTiles(int[] prompt) {
    int tile = 0;
    while ((tile + 1) * geometry.tileTokens() <= prompt.length
        && published.containsKey(key(prompt, (tile + 1) * geometry.tileTokens()))) {
      tile++;
    }
    return tile;
  }

  private static int common(int[] a, int[] b, int most) {
    int same = Arrays.mismatch(a, 0, a.length, b, 0, Math.min(most, b.length));
    return same < 0 ? a.length : same;
  }

  private static List<Integer> key(int[] tokens, int length) {
    return Arrays.stream(tokens, 0, length).boxed().toList();
  }

  @Override
  public PlannedRows plan(BatchPlan plan) {
    throw new UnsupportedOperationException("this cache knows no plans");
  }

  @Override
  public synchronized int availablePages() {
    return pages - pinned();
  }

  private int pinned() {
    int pinned = (int) Arrays.stream(references).filter(count -> count > 0).count();
    peakPinned = Math.max(peakPinned, pinned);
    return pinned;
  }

  private int allocate() {
    for (int page = 0; page < pages; page++) {
      if (references[page] == 0 && !published.containsValue(page)) {
        references[page] = 1;
        return page;
      }
    }
    for (Map.Entry<List<Integer>, Integer> entry : published.entrySet()) {
      if (references[entry.getValue()] == 0) {
        published.remove(entry.getKey());
        evicted++;
        references[entry.getValue()] = 1;
        return entry.getValue();
      }
    }
    throw new IllegalStateException("no page left");
  }

  @Override
  public synchronized int releaseOwner(long owner) {
    List<FakeSequence> owned = open.stream().filter(s -> s.request.owner() == owner).toList();
    owned.forEach(FakeSequence::close);
    return owned.size();
  }

  @Override
  public int expireLeases() {
    expiries++;
    return 0;
  }

  @Override
  public synchronized int clear() {
    int before = published.size();
    published.values().removeIf(page -> references[page] == 0);
    return before - published.size();
  }

  @Override
  public synchronized CacheStats stats() {
    int pinned = pinned();
    int tableReferences = Arrays.stream(references).sum();
    return new CacheStats(
        opened,
        0,
        0,
        0,
        0,
        Map.of(),
        0,
        0,
        evicted,
        Map.of(),
        0,
        pages,
        0,
        0,
        pinned,
        tableReferences,
        peakPinned,
        0,
        open.size(),
        0);
  }

  @Override
  public synchronized void checkIntegrity() {
    int[] counted = new int[pages];
    for (int[] row : table) {
      for (int page : row) {
        if (page >= 0) {
          counted[page]++;
        }
      }
    }
    if (!Arrays.equals(counted, references)) {
      throw new IllegalStateException("references do not match the table");
    }
  }

  @Override
  public void close() {}

  /** Page of a position, checked to be there. */
  int page(int row, int position) {
    int page = table[row][geometry.tileOf(position)];
    if (page < 0) {
      throw new AssertionError("row " + row + " has no page for position " + position);
    }
    return page;
  }

  /** Writes a token as a decoder would, checking that nobody else can see it. */
  void write(int row, int position, int token) {
    int page = page(row, position);
    if (references[page] != 1 || published.containsValue(page)) {
      throw new AssertionError("page " + page + " is shared and must not be written");
    }
    memory[page][geometry.slotOf(position)] = token;
  }

  /** Tokens of positions 0 to {@code length - 1} of a row. */
  int[] history(int row, int length) {
    int[] tokens = new int[length];
    for (int i = 0; i < length; i++) {
      tokens[i] = memory[page(row, i)][geometry.slotOf(i)];
    }
    return tokens;
  }

  final class FakeSequence implements KvSequence {
    final SequenceRequest request;
    final List<Integer> rows = new ArrayList<>();
    private final List<int[]> histories = new ArrayList<>();
    private int length;
    private int cached;
    private int committed;

    FakeSequence(SequenceRequest request, int row) {
      this.request = request;
      rows.add(row);
      histories.add(new int[0]);
    }

    private void match() {
      int[] prompt = request.prompt();
      int most = prompt.length - 1;
      int full = Math.min(fullTiles(prompt), most / geometry.tileTokens());
      int[] row = table[rows.get(0)];
      for (int tile = 0; tile < full; tile++) {
        List<Integer> key = key(prompt, (tile + 1) * geometry.tileTokens());
        row[tile] = Objects.requireNonNull(published.get(key));
        references[row[tile]]++;
        published.put(key, published.remove(key));
      }
      int resident = Math.min(most, residentTokens(prompt));
      cached = full * geometry.tileTokens();
      if (resident > cached && availablePages() > 0) {
        row[full] = allocate();
        for (int i = cached; i < resident; i++) {
          memory[row[full]][geometry.slotOf(i)] = prompt[i];
        }
        cached = resident;
      }
      length = cached;
      histories.set(0, Arrays.copyOf(prompt, cached));
    }

    @Override
    public int length() {
      return length;
    }

    @Override
    public int cachedTokens() {
      return cached;
    }

    @Override
    public int beams() {
      return rows.size();
    }

    @Override
    public int row(int beam) {
      return rows.get(beam);
    }

    @Override
    public boolean reserve(int newLength) {
      synchronized (FakeKvCache.this) {
        requireOpen();
        if (reserveFailure != null) {
          throw reserveFailure;
        }
        if (needed(newLength) > availablePages()) {
          return false;
        }
        for (int row : rows) {
          for (int tile = geometry.tileOf(length); tile < geometry.tilesFor(newLength); tile++) {
            makeWritable(table[row], tile);
          }
        }
        pinned();
        return true;
      }
    }

    private void makeWritable(int[] row, int tile) {
      int old = row[tile];
      if (old >= 0 && references[old] == 1) {
        return;
      }
      row[tile] = allocate();
      if (old >= 0) {
        references[old]--;
        System.arraycopy(memory[old], 0, memory[row[tile]], 0, geometry.tileTokens());
      }
    }

    private int needed(int newLength) {
      int needed = 0;
      Map<Integer, Integer> left = new HashMap<>();
      for (int row : rows) {
        for (int tile = geometry.tileOf(length); tile < geometry.tilesFor(newLength); tile++) {
          int page = table[row][tile];
          if (page < 0 || left.getOrDefault(page, references[page]) > 1) {
            needed++;
            left.merge(page, page < 0 ? 0 : references[page] - 1, (a, b) -> a - 1);
          }
        }
      }
      return needed;
    }

    @Override
    public void commit(int beam, int[] tokens, int from, int count) {
      synchronized (FakeKvCache.this) {
        requireOpen();
        if (commitFailure != null) {
          throw commitFailure;
        }
        if (request.owner() == commitFailsOf) {
          throw new TileKvException("nothing can be committed");
        }
        int[] history = Arrays.copyOf(histories.get(beam), length + count);
        System.arraycopy(tokens, from, history, length, count);
        histories.set(beam, history);
        if (!Arrays.equals(history(rows.get(beam), length + count), history)) {
          throw new AssertionError("committed tokens differ from those written");
        }
        if (request.reusePrefix()) {
          for (int tile = geometry.tileOf(length);
              (tile + 1) * geometry.tileTokens() <= length + count;
              tile++) {
            published.putIfAbsent(
                key(history, (tile + 1) * geometry.tileTokens()), table[rows.get(beam)][tile]);
          }
        }
        if (++committed == rows.size()) {
          committed = 0;
          length += count;
        }
      }
    }

    @Override
    public boolean fork(int beams) {
      synchronized (FakeKvCache.this) {
        requireOpen();
        while (rows.size() < beams) {
          int row = freeRow();
          if (row < 0) {
            throw new AssertionError("no row left");
          }
          rows.add(row);
          histories.add(histories.get(0));
          copyRow(table[rows.get(0)], row);
        }
        return true;
      }
    }

    private void copyRow(int[] from, int row) {
      table[row] = from.clone();
      for (int page : from) {
        if (page >= 0) {
          references[page]++;
        }
      }
    }

    @Override
    public void reorder(int[] parents) {
      synchronized (FakeKvCache.this) {
        requireOpen();
        List<int[]> oldRows = rows.stream().map(row -> table[row]).toList();
        List<int[]> oldHistories = List.copyOf(histories);
        for (int beam = 0; beam < parents.length; beam++) {
          copyRow(oldRows.get(parents[beam]), rows.get(beam));
          histories.set(beam, oldHistories.get(parents[beam]));
        }
        oldRows.forEach(this::dropReferences);
      }
    }

    private void dropReferences(int[] row) {
      for (int page : row) {
        if (page >= 0) {
          references[page]--;
        }
      }
    }

    @Override
    public void renewLease() {
      renewals++;
    }

    private void requireOpen() {
      if (!open.contains(this)) {
        throw new IllegalStateException("the sequence is closed");
      }
    }

    @Override
    public void close() {
      synchronized (FakeKvCache.this) {
        if (open.remove(this)) {
          for (int row : rows) {
            dropReferences(table[row]);
            Arrays.fill(table[row], -1);
          }
        }
      }
    }
  }
}
