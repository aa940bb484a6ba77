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
package org.tilekv.llm;

/** Sums that the members of a cell form together, each of them giving a part of every element. */
@FunctionalInterface
public interface AllReduce {

  /** The sums of a process that holds all heads. */
  AllReduce ALONE = (values, from, length) -> {};

  /**
   * Replaces {@code values[from..from+length)} by its sum over all members, added in the order of
   * their ranks: all members get the same bits. Every member makes the same calls in the same
   * order; a call returns when this member has the sum.
   *
   * @throws org.tilekv.TileKvException where another member is gone or late
   */
  void sum(float[] values, int from, int length);
}
