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

/** How one element of K or V is stored in a tile. */
public enum KvDtype {
  FLOAT32(4),
  FLOAT16(2),
  BFLOAT16(2),
  /** Symmetric, with one float32 scale per token and head, stored in the tile behind the values. */
  INT8(1);

  private final int bytes;

  KvDtype(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one stored element. */
  public int bytes() {
    return bytes;
  }
}
