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

import org.tilekv.TileKvException;

/** Bytes that are not a message; what {@link Messages#decode} throws, and all that it throws. */
public final class MessageException extends TileKvException {
  private static final long serialVersionUID = 1L;

  /** What is wrong with the bytes. */
  public enum Reason {
    BAD_MAGIC,
    UNKNOWN_VERSION,
    UNKNOWN_TYPE,
    TRUNCATED,
    TRAILING_BYTES,
    TOO_LARGE,
    BAD_FIELD
  }

  private final Reason reason;

  MessageException(Reason reason, String message) {
    super(reason + ": " + message);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
