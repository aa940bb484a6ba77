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

import org.tilekv.prefix.NamedTile;
import org.tilekv.tier.Reuse;

/**
 * A tile that has left the pool, and whose bytes are still on its pages: they are somebody else's
 * already, who saves them before anything is written there.
 *
 * @param tile what it is
 * @param pages where its bytes are, by KV head
 * @param reuse whether it is known to be needed again
 */
record EvictedTile(NamedTile tile, int[] pages, Reuse reuse) {}
