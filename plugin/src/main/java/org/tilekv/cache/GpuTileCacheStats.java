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

/**
 * What a {@link GpuTileCache} holds and has done.
 *
 * @param pages pages of the pool
 * @param freePages pages without a tile
 * @param evictablePages pages of published tiles that nobody has pinned
 * @param hits calls of {@link GpuTileCache#get} that found a tile
 * @param misses calls of it that found none
 * @param evictedPages pages taken from published tiles
 * @param copiedPages shared pages that were copied because one of their tiles was to be written
 * @param syncedBytes bytes sent to the page table on the device
 */
public record GpuTileCacheStats(
    int pages,
    int freePages,
    int evictablePages,
    long hits,
    long misses,
    long evictedPages,
    long copiedPages,
    long syncedBytes) {}
