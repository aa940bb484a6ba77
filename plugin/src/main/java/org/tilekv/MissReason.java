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
package org.tilekv;

/** Why a full tile of a prompt was not found. */
public enum MissReason {
  /** No tile of this name was ever published here. */
  NEVER_SEEN,
  /** It was published and evicted since (as far as the bounded memory of evicted names reaches). */
  EVICTED,
  /** The same tokens are known under another namespace or salt only. */
  OTHER_NAMESPACE,
  /** A lower tier held it and could not give it back intact. */
  LOAD_FAILED,
  /**
   * The prompt's rest is shorter than a tile, or its last token must be computed for its logits.
   */
  TOO_SHORT
}
