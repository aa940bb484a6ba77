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

import org.jspecify.annotations.Nullable;

/**
 * What a cache needs to know to open a sequence.
 *
 * @param prompt token ids, at least one; not modified, and not to be modified by the caller
 * @param owner who holds the lease: a Spark task attempt id, or any number of the caller's
 * @param salt isolates tenants: sequences share tiles only under equal salts; {@code null} is a
 *     salt of its own
 * @param reusePrefix whether tiles of earlier sequences may be used and this one's be published
 */
public record SequenceRequest(
    int[] prompt, long owner, @Nullable String salt, boolean reusePrefix) {

  public SequenceRequest {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("prompt has no tokens; at least one is needed");
    }
  }
}
