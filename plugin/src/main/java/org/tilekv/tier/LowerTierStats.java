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

/**
 * Counters of one {@link LowerTier} since it was opened, and gauges of now.
 *
 * @param hits reads that got their group
 * @param misses reads that did not, doubtful groups included
 * @param puts groups stored
 * @param refusedPuts groups that admission did not let in
 * @param failedPuts groups not stored: no room, or a failure
 * @param evictions groups dropped for room
 * @param corruptGroups groups dropped because what was read was not what was written
 * @param refusedFiles files deleted because they were foreign, of another version, or damaged
 * @param ioErrors calls to the storage that failed or took too long
 * @param bytesWritten bytes of groups written
 * @param bytesRead bytes of groups read
 * @param residentGroups groups resident now
 * @param residentBytes their bytes
 * @param capacityBytes bytes that the tier may take now; falls when a directory drops out
 * @param directories directories in use now; 0 for a tier in memory
 * @param droppedDirectories directories that dropped out
 */
public record LowerTierStats(
    long hits,
    long misses,
    long puts,
    long refusedPuts,
    long failedPuts,
    long evictions,
    long corruptGroups,
    long refusedFiles,
    long ioErrors,
    long bytesWritten,
    long bytesRead,
    long residentGroups,
    long residentBytes,
    long capacityBytes,
    int directories,
    int droppedDirectories) {

  /** Of two tiers together. */
  LowerTierStats plus(LowerTierStats other) {
    return new LowerTierStats(
        hits + other.hits,
        misses + other.misses,
        puts + other.puts,
        refusedPuts + other.refusedPuts,
        failedPuts + other.failedPuts,
        evictions + other.evictions,
        corruptGroups + other.corruptGroups,
        refusedFiles + other.refusedFiles,
        ioErrors + other.ioErrors,
        bytesWritten + other.bytesWritten,
        bytesRead + other.bytesRead,
        residentGroups + other.residentGroups,
        residentBytes + other.residentBytes,
        capacityBytes + other.capacityBytes,
        directories + other.directories,
        droppedDirectories + other.droppedDirectories);
  }
}
