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

/**
 * What is assigned to an executor: one group of sequences, one range of KV heads.
 *
 * @param group sequence group, from 0
 * @param headRange index of the head range, from 0; 0 where heads are not cut
 */
public record Shard(int group, int headRange) {

  public Shard {
    Fields.requireNotNegative("group", group);
    Fields.requireNotNegative("headRange", headRange);
  }

  /** All heads of a group: the only shard of it where heads are not cut. */
  public static Shard ofGroup(int group) {
    return new Shard(group, 0);
  }
}
