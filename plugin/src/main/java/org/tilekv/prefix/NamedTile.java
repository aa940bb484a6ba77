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
package org.tilekv.prefix;

/**
 * A full tile as others know it.
 *
 * @param name chain hash of the tile
 * @param parent chain hash of the tile that it continues; for a first tile the root of its
 *     namespace and salt
 * @param tokens token ids of its slots; not to be modified
 */
@SuppressWarnings("ArrayRecordComponent")
public record NamedTile(ChainHash name, ChainHash parent, int[] tokens) {}
