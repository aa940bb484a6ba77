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

/** Memory of which one copy from or to the host fails. */
public final class FaultyTransfers extends ArenaMemory {

  private final int faultyCopyOut;
  private final int faultyCopyIn;
  private int copiesOut;
  private int copiesIn;

  /**
   * @param faultyCopyOut number of the copy that fails, from 1; 0 for none
   * @param faultyCopyIn the same for copies into pages
   */
  public FaultyTransfers(TileArena arena, int faultyCopyOut, int faultyCopyIn) {
    super(arena);
    this.faultyCopyOut = faultyCopyOut;
    this.faultyCopyIn = faultyCopyIn;
  }

  public int copiesOut() {
    return copiesOut;
  }

  public int copiesIn() {
    return copiesIn;
  }

  @Override
  public void copyOut(int[] pages, ByteBuffer dst) {
    if (++copiesOut == faultyCopyOut) {
      throw new IllegalStateException("a copy from the pool fails");
    }
    arena.copyOut(pages, dst);
  }

  @Override
  public void copyIn(int[] pages, ByteBuffer src) {
    if (++copiesIn == faultyCopyIn) {
      throw new IllegalStateException("a copy to the pool fails");
    }
    arena.copyIn(pages, src);
  }
}
