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
 * Where an executor takes requests of other executors.
 *
 * @param executorId Spark's id of the executor
 * @param host host as Spark's block manager names it
 * @param port port of its transport, 0 where it has none
 */
public record Peer(String executorId, String host, int port) {

  public Peer {
    Fields.requireName("executorId", executorId);
    Fields.requireName("host", host);
    Fields.requirePort(port);
  }
}
