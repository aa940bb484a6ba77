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

import java.io.BufferedInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.jspecify.annotations.Nullable;
import org.tilekv.TileKvException;
import org.tilekv.cache.CacheSnapshot;
import org.tilekv.cache.CacheSnapshot.Loaded;
import org.tilekv.cache.TileCache;
import org.tilekv.tier.SnapshotException;
import org.tilekv.tier.SnapshotHeader;
import org.tilekv.tier.SnapshotReader;
import org.tilekv.tier.SnapshotWriter;

/**
 * Snapshots in a directory of any Hadoop file system: {@code
 * <uri>/<namespace>/part-<executor>-<n>.tiles}, each written to a temporary name and renamed.
 */
final class SnapshotFiles {

  private static final int BUFFER_BYTES = 1 << 20;
  private static final String SUFFIX = ".tiles";

  private final FileSystem files;
  private final Path directory;

  SnapshotFiles(String uri, Configuration hadoop) throws IOException {
    directory = new Path(uri);
    files = directory.getFileSystem(hadoop);
  }

  /** What loading all parts did. */
  record LoadedParts(int parts, int refusedParts, long tiles, long tilesWithoutRoom, String why) {}

  /** Writes one part, over an earlier one of the same executor; returns its tiles. */
  long save(TileCache cache, SnapshotHeader header, String executor, int number)
      throws IOException {
    Path folder = folder(header.namespace());
    files.mkdirs(folder);
    Path part = new Path(folder, "part-" + executor + "-" + number + SUFFIX);
    Path temporary = new Path(folder, "." + part.getName() + "." + UUID.randomUUID() + ".tmp");
    try {
      long tiles;
      try (OutputStream out = files.create(temporary, true, BUFFER_BYTES)) {
        SnapshotWriter writer = new SnapshotWriter(out, header);
        tiles = CacheSnapshot.save(cache, writer);
        writer.finish();
      }
      files.delete(part, false);
      if (!files.rename(temporary, part)) {
        throw new IOException("cannot rename " + temporary + " to " + part);
      }
      return tiles;
    } catch (IOException | RuntimeException e) {
      files.delete(temporary, false);
      throw e;
    }
  }

  private Path folder(byte[] namespace) {
    return new Path(directory, HexFormat.of().formatHex(namespace));
  }

  /**
   * Takes in all parts that the pool has room for.
   *
   * @throws TileKvException where the directory holds tiles of other models only, or none
   */
  LoadedParts load(TileCache cache, SnapshotHeader own) throws IOException {
    List<Path> parts = parts(folder(own.namespace()));
    if (parts.isEmpty()) {
      throw new TileKvException(whyNone(own));
    }
    int refused = 0;
    long tiles = 0;
    long withoutRoom = 0;
    String why = "";
    for (Path part : parts) {
      Loaded loaded = loadPart(cache, own, part);
      refused += loaded.refused().isEmpty() ? 0 : 1;
      why = why.isEmpty() ? loaded.refused() : why;
      tiles += loaded.tiles();
      withoutRoom += loaded.tilesWithoutRoom();
    }
    return new LoadedParts(parts.size(), refused, tiles, withoutRoom, why);
  }

  private Loaded loadPart(TileCache cache, SnapshotHeader own, Path part) {
    try (InputStream in = new BufferedInputStream(files.open(part), BUFFER_BYTES)) {
      SnapshotReader reader = new SnapshotReader(in, part.toString());
      if (!Arrays.equals(reader.header().namespace(), own.namespace())
          || !reader.header().geometry().equals(own.geometry())) {
        return new Loaded(0, 0, mismatch(part, reader.header(), own));
      }
      return CacheSnapshot.load(cache, reader);
    } catch (IOException | SnapshotException e) {
      return new Loaded(0, 0, String.valueOf(e.getMessage()));
    }
  }

  private static String mismatch(Path where, SnapshotHeader found, SnapshotHeader own) {
    return where + " holds tiles of " + found.describe() + ", not of " + own.describe();
  }

  private List<Path> parts(Path folder) throws IOException {
    try {
      return Arrays.stream(files.listStatus(folder))
          .map(FileStatus::getPath)
          .filter(path -> path.getName().startsWith("part-") && path.getName().endsWith(SUFFIX))
          .sorted()
          .toList();
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  /** Names the model whose tiles are there instead. */
  private String whyNone(SnapshotHeader own) throws IOException {
    FileStatus[] folders;
    try {
      folders = files.listStatus(directory);
    } catch (FileNotFoundException e) {
      return "there is no snapshot at " + directory;
    }
    for (FileStatus folder : folders) {
      SnapshotHeader other = folder.isDirectory() ? firstHeader(folder.getPath()) : null;
      if (other != null) {
        return mismatch(directory, other, own);
      }
    }
    return directory + " holds no snapshot of a cache";
  }

  private @Nullable SnapshotHeader firstHeader(Path folder) throws IOException {
    for (Path part : parts(folder)) {
      try (InputStream in = files.open(part)) {
        return new SnapshotReader(in, part.toString()).header();
      } catch (IOException | SnapshotException e) {
        continue;
      }
    }
    return null;
  }
}
