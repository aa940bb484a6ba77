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
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.tilekv.ComputePool;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.KvCache;
import org.tilekv.OpenedResources;
import org.tilekv.TileGeometry;
import org.tilekv.cache.PrefixSource;
import org.tilekv.cache.TierStats;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.llm.Checkpoint;
import org.tilekv.llm.CpuDecoder;
import org.tilekv.llm.CudaModel;
import org.tilekv.llm.Decoder;
import org.tilekv.llm.HfConfigReader;
import org.tilekv.llm.HfTokenizer;
import org.tilekv.llm.MatMulKind;
import org.tilekv.llm.ModelConfig;
import org.tilekv.llm.Tokenizer;
import org.tilekv.llm.WeightsDigest;
import org.tilekv.prefix.Namespace;

/**
 * A Hugging Face directory, opened: threads, tokenizer, cache, decoder and engine in this order.
 */
final class LoadedModel implements ModelRuntime {

  static final String CPU_ARITHMETIC = "cpu-2";
  private static final int LOAD_ROWS = 8;

  private final OpenedResources opened = new OpenedResources();
  private final ModelConfig config;
  private final Tokenizer tokenizer;
  private final Namespace namespace;
  private final TileCache cache;
  private final List<PrefixSource> sources;
  private final InferenceEngine engine;

  LoadedModel(Path directory, RuntimeOptions options) {
    try {
      config = HfConfigReader.read(directory);
      MatMulKind matMul = MatMulKind.of(options.matMul());
      tokenizer = opened.add(HfTokenizer.open(directory, config, options.addBos()));
      try (Checkpoint checkpoint = Checkpoint.open(directory)) {
        TileGeometry geometry = geometry(options);
        boolean onDevice = options.device().isGpu();
        if (onDevice) {
          requireRunsOnDevice(geometry);
        }
        namespace =
            namespace(
                geometry,
                WeightsDigest.of(config, checkpoint),
                onDevice ? CudaModel.ARITHMETIC : CPU_ARITHMETIC);
        IntFunction<TileCacheOptions> cacheOptions =
            pages -> cacheOptions(geometry, pages, options);
        Decoder decoder;
        if (onDevice) {
          CudaModel model = opened.add(openOnDevice(checkpoint, geometry, options, cacheOptions));
          cache = model.cache();
          decoder = model.decoder();
        } else {
          ComputePool pool = opened.add(ComputePool.of(options.threads()));
          cache = opened.add(cacheInRam(geometry, options, cacheOptions));
          decoder = opened.add(CpuDecoder.load(checkpoint, config, cache.kvMemory(), pool, matMul));
        }
        sources = options.sources().open(cache, namespace);
        sources.forEach(opened::add);
        engine =
            opened.add(
                new ContinuousBatchingEngine(
                    decoder,
                    cache,
                    tokenizer,
                    options.engine(),
                    sequenceTokens(options),
                    options.salt(),
                    BestSource.of(cache, sources)));
      }
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  /** Refuses before weights are read, where it can. */
  private void requireRunsOnDevice(TileGeometry geometry) {
    String why = CudaModel.unavailable(config, geometry);
    if (why != null) {
      throw new DeviceUnavailableException("the model cannot run on a GPU here: " + why);
    }
  }

  private CudaModel openOnDevice(
      Checkpoint checkpoint,
      TileGeometry geometry,
      RuntimeOptions options,
      IntFunction<TileCacheOptions> cacheOptions) {
    DeviceChoice choice = options.device();
    CudaModel.Budget budget =
        new CudaModel.Budget(
            choice.ordinal(),
            choice.poolBytes(),
            choice.share(),
            options.engine().maxStepTokens(),
            options.engine().maxBatchRows());
    return CudaModel.open(checkpoint, config, geometry, budget, cacheOptions);
  }

  private TileGeometry geometry(RuntimeOptions options) {
    return new TileGeometry(
        config.layers(),
        config.kvHeads(),
        config.headDim(),
        options.tileTokens(),
        options.kvDtype());
  }

  private int sequenceTokens(RuntimeOptions options) {
    int asked = options.maxSequenceTokens();
    return asked == 0 ? config.maxPositions() : Math.min(asked, config.maxPositions());
  }

  private static Namespace namespace(TileGeometry geometry, String weights, String arithmetic) {
    return Namespace.builder()
        .field("weights", weights)
        .field("tileTokens", geometry.tileTokens())
        .field("dtype", geometry.dtype().name())
        .field("arithmetic", arithmetic)
        .build();
  }

  private TileCacheOptions cacheOptions(TileGeometry geometry, int pages, RuntimeOptions options) {
    return new TileCacheOptions(
        geometry,
        pages,
        options.engine().maxBatchRows() + loadRows(options),
        geometry.tilesFor(sequenceTokens(options)),
        namespace,
        options.leaseTtlMs(),
        options.engine().prefixReuse(),
        options.engine().eviction(),
        () -> System.nanoTime() / 1_000_000);
  }

  /** Page-table rows that loads take beside those of running rows. */
  private static int loadRows(RuntimeOptions options) {
    return options.sources() == PrefixSources.NONE ? 0 : LOAD_ROWS;
  }

  private static TileCache cacheInRam(
      TileGeometry geometry, RuntimeOptions options, IntFunction<TileCacheOptions> cacheOptions) {
    long heapBytes = Runtime.getRuntime().maxMemory();
    int pages = PoolSize.pages(geometry, options.poolBytes(), heapBytes);
    try {
      return TileCache.create(cacheOptions.apply(pages));
    } catch (OutOfMemoryError e) {
      throw PoolSize.tooLarge(options.poolBytes(), heapBytes);
    }
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
  public List<TierStats> tierStats() {
    return sources.stream().map(PrefixSource::stats).flatMap(Stream::ofNullable).toList();
  }

  @Override
  public String namespace() {
    return namespace.hex();
  }

  @Override
  public void close() {
    opened.close();
  }
}
