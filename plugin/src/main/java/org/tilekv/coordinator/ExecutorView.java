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
 * One executor as the driver last heard of it.
 *
 * @param executorId Spark's id
 * @param host host as Spark's block manager names it
 * @param cores cores
 * @param poolBytes bytes of its page pool when it registered
 * @param state whether it counts
 * @param silentMs milliseconds since its last message
 * @param stats its latest numbers
 */
public record ExecutorView(
    String executorId,
    String host,
    int cores,
    long poolBytes,
    State state,
    long silentMs,
    ExecutorStats stats) {

  /** Whether an executor counts. */
  public enum State {
    ALIVE,
    /** About to be taken away: it still holds its tiles, and is given no work. */
    LEAVING,
    /** Silent for too long; it may come back. */
    EXPIRED,
    /** Taken away by the cluster manager, for good. */
    REMOVED
  }

  /** Whether it runs, as far as the driver knows. */
  public boolean alive() {
    return state == State.ALIVE || state == State.LEAVING;
  }

  /** Whether it may be given work: it runs, and is not about to leave. */
  public boolean placeable() {
    return state == State.ALIVE;
  }
}
