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
 * Where a tile is. The way down is {@code DEVICE -> SAVING -> HOST -> DISK}, the way back leads
 * through {@code LOADING}; every move prepares (reserves and pins), copies, and then completes or
 * rolls back, so that the in-flight states are the only ones in which two frames hold one tile.
 */
public enum Residency {
  /** In a page of the device pool, readable by a running step. */
  DEVICE,
  /** In a frame of the host tier. */
  HOST,
  /** In a file of the disk tier. */
  DISK,
  /** Nowhere; it must be computed. */
  ABSENT,
  /** On its way down; the upper copy is still the valid one. */
  SAVING,
  /** On its way up; the lower copy is still the valid one. */
  LOADING
}
