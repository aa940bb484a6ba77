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
 * An executor that shards can be assigned to.
 *
 * @param executorId Spark's id
 * @param host host as Spark's block manager names it
 * @param weight share of the shards it should get, relative to the others: its cores
 */
public record Member(String executorId, String host, int weight) {

  public Member {
    Fields.requireName("executorId", executorId);
    Fields.requireName("host", host);
    if (weight < 1) {
      throw new IllegalArgumentException("weight is " + weight + "; it must be at least 1");
    }
  }
}
