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
 * An executor is ready for work. Answered by {@link RegisterReply} or {@link Refused}.
 *
 * @param executorId Spark's id of the executor
 * @param host host as Spark's block manager names it, so that preferred locations match
 * @param cores cores, the executor's weight in placement
 * @param poolBytes bytes of its page pool, 0 while no model is open
 * @param transportPort port where it takes requests of other executors, 0 where it takes none
 */
public record Register(String executorId, String host, int cores, long poolBytes, int transportPort)
    implements Message {

  /** Of an executor that takes no requests of others. */
  public Register(String executorId, String host, int cores, long poolBytes) {
    this(executorId, host, cores, poolBytes, 0);
  }

  public Register {
    Fields.requireName("executorId", executorId);
    Fields.requireName("host", host);
    if (cores < 1) {
      throw new IllegalArgumentException("cores is " + cores + "; it must be at least 1");
    }
    Fields.requireNotNegative("poolBytes", poolBytes);
    Fields.requirePort(transportPort);
  }
}
