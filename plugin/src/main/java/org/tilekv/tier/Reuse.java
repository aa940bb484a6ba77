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

/** What the writer of a group knows about its future. */
public enum Reuse {
  /** Nothing: the tier's admission decides. */
  UNKNOWN,
  /** It was used more than once while it was above: it is likely to be used again. */
  REUSED,
  /** A plan says that it will be read again: it is written at once. */
  PLANNED
}
