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

import java.util.concurrent.atomic.LongAdder;

/** Counters of a {@link DiskTier}, as {@link LowerTierStats} explains them. */
final class DiskCounters {
  final LongAdder hits = new LongAdder();
  final LongAdder misses = new LongAdder();
  final LongAdder puts = new LongAdder();
  final LongAdder refusedPuts = new LongAdder();
  final LongAdder failedPuts = new LongAdder();
  final LongAdder corruptGroups = new LongAdder();
  final LongAdder refusedFiles = new LongAdder();
  final LongAdder ioErrors = new LongAdder();
  final LongAdder droppedDirectories = new LongAdder();

  LowerTierStats stats(DiskGauges gauges, int groupBytes) {
    return new LowerTierStats(
        hits.sum(),
        misses.sum(),
        puts.sum(),
        refusedPuts.sum(),
        failedPuts.sum(),
        gauges.evictions(),
        corruptGroups.sum(),
        refusedFiles.sum(),
        ioErrors.sum(),
        puts.sum() * groupBytes,
        hits.sum() * groupBytes,
        gauges.residentGroups(),
        gauges.residentGroups() * groupBytes,
        gauges.capacityBytes(),
        gauges.directories(),
        droppedDirectories.intValue());
  }
}
