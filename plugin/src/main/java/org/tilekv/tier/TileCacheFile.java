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
package org.tilekv.tier;

import java.io.IOException;
import java.nio.file.Path;
import org.tilekv.TileGeometry;

/** Saves and loads a host tier. Frames are pinned one at a time; no lock is held during I/O. */
final class TileCacheFile {
  private final FrameTable table;
  private final HostSlabs slabs;
  private final byte[] namespace;
  private final TileGeometry geometry;

  TileCacheFile(FrameTable table, HostSlabs slabs, byte[] namespace, TileGeometry geometry) {
    this.table = table;
    this.slabs = slabs;
    this.namespace = namespace;
    this.geometry = geometry;
  }

  int save(Path file) throws IOException {
    int saved = 0;
    try (TileFileWriter writer = TileFileWriter.create(file, namespace, geometry)) {
      for (TileKey key : table.keysOldestFirst()) {
        int frame = table.pinQuietly(key);
        if (frame != KeyIndex.NONE) {
          try {
            writer.append(key, slabs.slice(frame));
          } finally {
            table.unpin(frame);
          }
          saved++;
        }
      }
      writer.commit();
    }
    return saved;
  }

  LoadResult load(Path file) throws IOException {
    try (TileFileReader reader = TileFileReader.open(file)) {
      reader.require(namespace, geometry);
      int skipped = Math.max(0, reader.count() - table.capacityTiles());
      int loaded = 0;
      int corrupt = 0;
      for (int tile = skipped; tile < reader.count(); tile++) {
        int frame = table.reserve();
        if (frame == KeyIndex.NONE) {
          skipped++;
        } else if (!readInto(frame, reader, tile)) {
          corrupt++;
        } else if (table.publish(frame, reader.key(tile))) {
          loaded++;
        }
      }
      return new LoadResult(loaded, corrupt, skipped);
    }
  }

  private boolean readInto(int frame, TileFileReader reader, int tile) throws IOException {
    boolean intact = false;
    try {
      intact = reader.read(tile, slabs.slice(frame));
    } finally {
      if (!intact) {
        table.abandon(frame);
      }
    }
    return intact;
  }
}
