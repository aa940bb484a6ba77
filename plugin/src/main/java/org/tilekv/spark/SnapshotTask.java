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
package org.tilekv.spark;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.util.SerializableConfiguration;
import org.jspecify.annotations.Nullable;
import org.tilekv.TileKvException;
import org.tilekv.cache.TileCache;
import org.tilekv.engine.CellModel;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.spark.ExecutorRuntimes.OpenModel;
import org.tilekv.spark.SnapshotFiles.LoadedParts;
import org.tilekv.tier.SnapshotHeader;

/**
 * One executor's part in saving or loading a snapshot. Gives a {@link SnapshotReport} as text,
 * which every serializer knows; nothing where another task does or did this executor's part.
 */
final class SnapshotTask implements FlatMapFunction<Iterator<Integer>, String> {
  private static final long serialVersionUID = 1L;

  private static final SnapshotClaims CLAIMS = new SnapshotClaims();

  private final String id = UUID.randomUUID().toString();
  private final String uri;
  private final @Nullable String model;
  private final SerializableConfiguration hadoop;

  /**
   * @param model directory of the model to load tiles for; null saves those of all open models
   */
  SnapshotTask(String uri, @Nullable String model, Configuration hadoop) {
    this.uri = uri;
    this.model = model;
    this.hadoop = new SerializableConfiguration(hadoop);
  }

  @Override
  public Iterator<String> call(Iterator<Integer> partition) throws Exception {
    TileKvExecutor executor = TileKvExecutor.require();
    if (!CLAIMS.take(id)) {
      return Collections.emptyIterator();
    }
    try {
      SnapshotFiles files = new SnapshotFiles(uri, hadoop.value());
      SnapshotReport report =
          model == null
              ? save(executor.executorId(), executor.openModels(), files)
              : load(executor, files, model);
      return List.of(report.encode()).iterator();
    } catch (Throwable e) {
      CLAIMS.giveBack(id);
      throw e;
    }
  }

  /** One part for each open model; two may have the same namespace. */
  static SnapshotReport save(String executor, List<OpenModel> models, SnapshotFiles files)
      throws IOException {
    SnapshotReport sum = SnapshotReport.reached(executor);
    for (OpenModel open : models) {
      TileCache cache = cache(open.runtime());
      if (cache != null && cache.copiesToHost()) {
        sum = sum.plus(save(executor, open, cache, sum.parts(), files));
      }
    }
    return sum;
  }

  private static SnapshotReport save(
      String executor, OpenModel open, TileCache cache, int number, SnapshotFiles files)
      throws IOException {
    try {
      SnapshotHeader header = header(open.model(), open.runtime(), cache);
      long tiles = files.save(cache, header, executor, number);
      return SnapshotReport.of(executor, 1, 0, tiles, 0, "");
    } catch (TileKvException e) {
      // Another model may have needed its room meanwhile.
      String why = open.model() + " was closed: " + e.getMessage();
      return SnapshotReport.of(executor, 0, 0, 0, 0, why);
    }
  }

  private static SnapshotReport load(TileKvExecutor executor, SnapshotFiles files, String model)
      throws IOException, InterruptedException {
    String id = executor.executorId();
    TaskContext task = TaskContext.get();
    try (RuntimeLease lease =
        executor.acquire(model, task.taskAttemptId(), task::killTaskIfInterrupted)) {
      TileCache cache = cache(lease.runtime());
      if (cache == null || !cache.copiesToHost()) {
        return SnapshotReport.of(id, 0, 0, 0, 0, "the tiles of " + model + " cannot be copied");
      }
      LoadedParts loaded = files.load(cache, header(model, lease.runtime(), cache));
      return SnapshotReport.of(
          id,
          loaded.parts(),
          loaded.refusedParts(),
          loaded.tiles(),
          loaded.tilesWithoutRoom(),
          loaded.why());
    } catch (TileKvException e) {
      return SnapshotReport.of(id, 0, 0, 0, 0, String.valueOf(e.getMessage()));
    }
  }

  /** Null also for a member of a cell: reading its cache would change the order of its tiles. */
  private static @Nullable TileCache cache(ModelRuntime runtime) {
    return !(runtime instanceof CellModel) && runtime.cache() instanceof TileCache cache
        ? cache
        : null;
  }

  private static SnapshotHeader header(String model, ModelRuntime runtime, TileCache cache) {
    Path name = Path.of(model).getFileName();
    return new SnapshotHeader(
        HexFormat.of().parseHex(runtime.namespace()),
        cache.geometry(),
        name == null ? model : name.toString());
  }
}
