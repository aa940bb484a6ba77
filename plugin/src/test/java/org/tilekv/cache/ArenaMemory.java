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
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.TileMemory;

/** Memory of an arena, for tests to change a part of. */
class ArenaMemory implements TileMemory {

  final TileArena arena;

  ArenaMemory(TileArena arena) {
    this.arena = arena;
  }

  @Override
  public final TileGeometry geometry() {
    return arena.geometry();
  }

  @Override
  public final int pages() {
    return arena.pages();
  }

  @Override
  public final long bytes() {
    return arena.bytes();
  }

  @Override
  public void copySlots(int[] fromPages, int[] toPages, int slots) {
    arena.copySlots(fromPages, toPages, slots);
  }

  @Override
  public boolean copiesToHost() {
    return true;
  }

  @Override
  public void copyOut(int[] pages, ByteBuffer dst) {
    arena.copyOut(pages, dst);
  }

  @Override
  public void copyIn(int[] pages, ByteBuffer src) {
    arena.copyIn(pages, src);
  }

  @Override
  public void close() {
    arena.close();
  }
}
