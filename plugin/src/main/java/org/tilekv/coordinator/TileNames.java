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
package org.tilekv.coordinator;

import java.util.Arrays;
import java.util.Collection;

/**
 * Names of tiles as the prefix directory knows them: the first 8 bytes of each chain hash, as a
 * big-endian number. Short, because a wrong match costs a hint and nothing else. Immutable.
 */
public final class TileNames {

  /** Most names that one message carries in one field. */
  public static final int MAX = 16_384;

  public static final TileNames NONE = new TileNames(new long[0]);

  private final long[] names;

  private TileNames(long[] names) {
    this.names = names;
  }

  /**
   * Copies the names.
   *
   * @throws IllegalArgumentException for more than {@link #MAX}
   */
  public static TileNames of(long... names) {
    if (names.length > MAX) {
      throw new IllegalArgumentException(names.length + " tile names; allowed are " + MAX);
    }
    return names.length == 0 ? NONE : new TileNames(names.clone());
  }

  /** As {@link #of(long...)}, but keeps the array. */
  static TileNames owning(long[] names) {
    return names.length == 0 ? NONE : new TileNames(names);
  }

  /** As {@link #of(long...)}. */
  public static TileNames of(Collection<Long> names) {
    return of(names.stream().mapToLong(Long::longValue).toArray());
  }

  public int size() {
    return names.length;
  }

  public long get(int index) {
    return names[index];
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TileNames that && Arrays.equals(names, that.names);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(names);
  }

  @Override
  public String toString() {
    return names.length + " tile names";
  }
}
