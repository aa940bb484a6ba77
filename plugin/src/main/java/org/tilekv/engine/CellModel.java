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

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.tilekv.ComputePool;
import org.tilekv.EvictionOrder;
import org.tilekv.KvCache;
import org.tilekv.OpenedResources;
import org.tilekv.TileGeometry;
import org.tilekv.TileKvException;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.llm.Checkpoint;
import org.tilekv.llm.CpuDecoder;
import org.tilekv.llm.Decoder;
import org.tilekv.llm.HeadSlice;
import org.tilekv.llm.HfConfigReader;
import org.tilekv.llm.HfTokenizer;
import org.tilekv.llm.MatMulKind;
import org.tilekv.llm.ModelConfig;
import org.tilekv.llm.Tokenizer;
import org.tilekv.llm.WeightsDigest;
import org.tilekv.prefix.Namespace;

/**
 * One member's part of a model whose heads are spread over the members of a cell: its slice of the
 * weights and the tiles of its heads, which stay from job to job. {@link #join} runs one job. On
 * the CPU only. Thread-safe, with one session at a time.
 */
public final class CellModel implements ModelRuntime {

  private static final long NEVER = Long.MAX_VALUE;

  private final OpenedResources opened = new OpenedResources();
  private final RuntimeOptions options;
  private final HeadShard shard;
  private final ModelConfig config;
  private final Tokenizer tokenizer;
  private final Namespace namespace;
  private final TileCache cache;
  private final Decoder decoder;
  private final CellAllReduce sums = new CellAllReduce();
  private final CellEngine engine = new CellEngine();

  // Guarded by this.
  private @Nullable CellLink link;
  private long lineage = CellState.NO_LINEAGE;
  private long bytesOfEnded;

  CellModel(Path directory, RuntimeOptions options) {
    this.options = options;
    shard = options.shard();
    try {
      if (options.device().isGpu()) {
        throw new TileKvException(
            "headShards is " + shard.shards() + "; on a GPU only 1 is allowed: set device=cpu");
      }
      config = HfConfigReader.read(directory);
      HeadSlice slice = new HeadSlice(config, shard.rank(), shard.shards());
      tokenizer = opened.add(HfTokenizer.open(directory, config, options.addBos()));
      try (Checkpoint checkpoint = Checkpoint.open(directory)) {
        namespace = namespace(WeightsDigest.of(config, checkpoint));
        cache = opened.add(tiles(slice));
        decoder = opened.add(part(checkpoint, slice));
      }
      opened.add(engine);
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  /** Sums of parts round otherwise than one sum does, so the number of parts is in the name. */
  private Namespace namespace(String weights) {
    return Namespace.builder()
        .field("weights", weights)
        .field("tileTokens", options.tileTokens())
        .field("dtype", options.kvDtype().name())
        .field("arithmetic", LoadedModel.CPU_ARITHMETIC)
        .field("headShards", shard.shards())
        .build();
  }

  private TileGeometry geometry(int kvHeads) {
    return new TileGeometry(
        config.layers(), kvHeads, config.headDim(), options.tileTokens(), options.kvDtype());
  }

  /** Every member's pool holds the same number of tiles of its heads, the fewest of them all. */
  private TileCache tiles(HeadSlice slice) {
    TileGeometry largest = geometry(HeadSlice.mostKvHeads(config, shard.shards()));
    long heapBytes = Runtime.getRuntime().maxMemory();
    int groups = PoolSize.pages(largest, options.poolBytes(), heapBytes) / largest.kvHeads();
    TileGeometry own = geometry(slice.kvHeads());
    TileCacheOptions cacheOptions =
        new TileCacheOptions(
            own,
            groups * own.kvHeads(),
            options.engine().maxBatchRows(),
            own.tilesFor(sequenceTokens()),
            namespace,
            NEVER,
            options.engine().prefixReuse(),
            EvictionOrder.LRU,
            () -> System.nanoTime() / 1_000_000);
    try {
      return TileCache.create(cacheOptions);
    } catch (OutOfMemoryError e) {
      throw PoolSize.tooLarge(options.poolBytes(), heapBytes);
    }
  }

  private int sequenceTokens() {
    int asked = options.maxSequenceTokens();
    return asked == 0 ? config.maxPositions() : Math.min(asked, config.maxPositions());
  }

  private CpuDecoder part(Checkpoint checkpoint, HeadSlice slice) {
    ComputePool pool = opened.add(ComputePool.of(options.threads()));
    MatMulKind matMul = MatMulKind.of(options.matMul());
    return CpuDecoder.loadPart(checkpoint, slice, cache.kvMemory(), pool, matMul, sums);
  }

  /**
   * Begins a job with the other members; waits until all of them are there.
   *
   * @param members connections to them; the session closes them
   * @param checkpoint called while waiting; throws where the task was killed
   * @throws CellException where a member is gone or is not like the others
   */
  public CellSession join(CellLink members, Runnable checkpoint) {
    CellState state = enter(members);
    try {
      CellHandshake.Beginning beginning = new CellHandshake(members, state, checkpoint).run();
      if (beginning.emptyFirst()) {
        cache.clear();
      }
      return new CellSession(this, members, beginning.lineage());
    } catch (Throwable failure) {
      members.close();
      left(members);
      throw failure;
    }
  }

  private synchronized CellState enter(CellLink members) {
    if (members.rank() != shard.rank() || members.size() != shard.shards()) {
      throw new IllegalArgumentException(
          "%s joins as member %d of %d".formatted(shard, members.rank(), members.size()));
    }
    if (link != null) {
      throw new IllegalStateException("this part of the model is in a cell already");
    }
    link = members;
    sums.attach(members);
    int groups = cache.stats().pages() / cache.geometry().kvHeads();
    CellState state =
        new CellState(
            namespace.hex(),
            groups,
            options.engine().maxBatchRows(),
            cache.geometry().tilesFor(sequenceTokens()),
            lineage);
    lineage = CellState.NO_LINEAGE;
    return state;
  }

  TileCache tiles() {
    return cache;
  }

  Decoder decoder() {
    return decoder;
  }

  void startEngine(LeadingDecoder leading, LeadingCache tiles) {
    engine.begin(
        new ContinuousBatchingEngine(
            leading, tiles, tokenizer, options.engine(), sequenceTokens(), options.salt()));
  }

  void stopEngine() {
    engine.end();
  }

  synchronized void endedWell(long job) {
    lineage = job;
  }

  synchronized void left(CellLink members) {
    if (link == members) {
      link = null;
      sums.attach(null);
      bytesOfEnded += members.bytesSent();
    }
  }

  @Override
  public synchronized long cellBytes() {
    return bytesOfEnded + (link == null ? 0 : link.bytesSent());
  }

  @Override
  public boolean reportsCache() {
    return shard.rank() == 0;
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  @Override
  public InferenceEngine engine() {
    return engine;
  }

  @Override
  public KvCache cache() {
    return cache;
  }

  @Override
  public String namespace() {
    return namespace.hex();
  }

  @Override
  public void close() {
    CellLink members;
    synchronized (this) {
      members = link;
    }
    if (members != null) {
      members.close();
    }
    opened.close();
  }
}
