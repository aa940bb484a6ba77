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
 * What {@link HostTileCache#load} did with the tiles of a file.
 *
 * @param loadedTiles tiles that are now in the cache, or were until later ones evicted them
 * @param corruptTiles tiles skipped because their bytes were damaged
 * @param skippedTiles tiles that found no room: the least recently used ones of a file with more
 *     tiles than the capacity, and those for which every frame was in use
 */
public record LoadResult(int loadedTiles, int corruptTiles, int skippedTiles) {}
