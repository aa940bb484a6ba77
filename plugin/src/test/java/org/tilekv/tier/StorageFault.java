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

/** What can happen at a call to the storage. */
enum StorageFault {
  /** The call fails. */
  FAIL,
  /** The call takes a minute. */
  DELAY,
  /** A write or read does half of its bytes and says that all is well. */
  TRUNCATE,
  /** One bit of what is written or read is flipped. */
  FLIP,
  /** A write is done after the next one, although it seemed to be done. */
  REORDER,
  /** From now on the disk is full. */
  FULL,
  /** From now on the directory is not there. */
  REMOVED,
  /** From now on nothing may be opened, made or deleted, and nothing written. */
  DENIED,
  /** From now on nothing happens any more: the process was killed. */
  KILLED
}
