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

import java.nio.ByteBuffer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Groups in files. */
public final class DiskTier implements LowerTier {
  private final DiskTierOptions options;

  private DiskTier(DiskTierOptions options) {
    this.options = options;
  }

  /**
   * Opens the tier and takes over what an earlier process left of the same namespace and shape. A
   * directory that cannot be used drops out; with none left the tier is off and says false.
   *
   * @param clockMs wall-clock time, ms since 1970
   */
  public static DiskTier open(DiskTierOptions options, TierStorage storage, LongSupplier clockMs) {
    return new DiskTier(options);
  }

  @Override
  public boolean contains(GroupKey key) {
    return false;
  }

  @Override
  public boolean put(GroupMeta meta, ByteBuffer bytes, Reuse reuse) {
    return false;
  }

  @Override
  public @Nullable GroupMeta get(GroupKey key, ByteBuffer dst) {
    return null;
  }

  @Override
  public boolean remove(GroupKey key) {
    return false;
  }

  @Override
  public int groupBytes() {
    return options.groupBytes();
  }

  @Override
  public LowerTierStats stats() {
    return new LowerTierStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public void close() {}
}
