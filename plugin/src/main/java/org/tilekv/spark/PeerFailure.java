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
package org.tilekv.spark;

/** Why tiles did not come from another executor. */
enum PeerFailure {
  /** It could not be reached, refused the connection, or did not answer in time. */
  UNREACHABLE,
  /** It has too much to do, or we have. */
  BUSY,
  /** It has not opened the model, or no longer. */
  NO_MODEL,
  /** The answer is not one. */
  MALFORMED,
  /** Another tile came than the one asked for. */
  WRONG_TILE,
  /** A tile of another size came. */
  WRONG_LENGTH,
  /** The bytes are not those that were sent. */
  WRONG_CHECKSUM,
  /** Our pool takes no more. */
  NO_ROOM
}
