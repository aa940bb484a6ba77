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
package org.tilekv.examples;

import org.jspecify.annotations.Nullable;
import org.tilekv.TileKvException;

/** Finds the sentence a user needs in what Spark throws. */
final class Failures {

  private Failures() {}

  /**
   * The message of the first exception of TileKV's own, which names the row; else that of the
   * deepest cause that has one, since Spark wraps what a task threw several times.
   */
  static String message(Throwable thrown) {
    String message = thrown.toString();
    for (@Nullable Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof TileKvException && cause.getMessage() != null) {
        return cause.getMessage();
      }
      if (cause.getMessage() != null && !cause.getMessage().isBlank()) {
        message = firstException(cause.getMessage());
      }
    }
    return message;
  }

  /**
   * Spark puts the stack trace of a failed task into the message: keep the exception's own line.
   */
  private static String firstException(String message) {
    int lost = message.lastIndexOf("Lost task ");
    String rest = lost < 0 ? message : message.substring(lost);
    int end = rest.indexOf("\n\tat ");
    return (end < 0 ? rest : rest.substring(0, end)).strip();
  }
}
