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
 * An executor could not start and is about to exit. Answered by {@link Ack}.
 *
 * @param executorId Spark's id of the executor
 * @param host host it ran on
 * @param message why; cut off after {@link Fields#MAX_TEXT_CHARS}
 */
public record InitFailure(String executorId, String host, String message) implements Message {

  public InitFailure {
    Fields.requireName("executorId", executorId);
    Fields.requireName("host", host);
    message = Fields.limit(message);
  }
}
