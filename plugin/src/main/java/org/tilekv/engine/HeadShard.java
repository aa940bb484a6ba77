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
package org.tilekv.engine;

/**
 * Which part of a model a process runs.
 *
 * @param rank member of the cell, from 0
 * @param shards members of the cell; 1 for the whole model
 * @param instance tells members of one process apart that hold the same part, from 0
 */
public record HeadShard(int rank, int shards, int instance) {

  /** All heads in one process. */
  public static final HeadShard WHOLE = new HeadShard(0, 1, 0);

  public HeadShard {
    if (rank < 0 || rank >= shards || instance < 0) {
      throw new IllegalArgumentException(
          "rank %d of %d members, instance %d; ranks are 0 to members - 1, instances from 0"
              .formatted(rank, shards, instance));
    }
  }

  /** Whether other processes hold other heads. */
  public boolean isPart() {
    return shards > 1;
  }
}
