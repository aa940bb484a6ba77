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

/** Why a resident tile was dropped for room. */
public enum EvictionReason {
  /** No plan was open: it was the one whose last use was longest ago. */
  LEAST_RECENT,
  /** No row of an open plan needs it: among such tiles the least recently used. */
  NOT_NEEDED,
  /** Every tile that could be dropped is needed: its next use was furthest away. */
  FURTHEST_USE
}
