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
package org.tilekv.coordinator;

/** Why a work item was placed where it was. */
public enum PlacementReason {
  /** No executor holds more of its prefix. */
  RESIDENT,
  /** Another executor holds more of its prefix, but has more to do than that would save. */
  MOVED_FOR_LOAD,
  /** No executor holds anything of its prefix: it went where least is to do. */
  NEW,
  /**
   * What is known of the executors is too old to rest on: it went where the shard map says. Costs
   * tiles that are computed again, never a result.
   */
  DEGRADED
}
