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

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.tilekv.SequenceRequest;
import org.tilekv.llm.StepBatch;

/**
 * What the leader of a cell has done to its cache since the last step, in the order it was done:
 * the other members repeat it on theirs. A cache answers the same to the same calls, so that tiles
 * are shared, copied, published and dropped alike everywhere; answers go with the calls and are
 * compared. Confined to the engine's thread while there is one.
 */
final class CellLog {

  static final byte STEP = 1;
  static final byte END = 2;

  static final byte OPEN = 1;
  static final byte RESERVE = 2;
  static final byte COMMIT = 3;
  static final byte FORK = 4;
  static final byte REORDER = 5;
  static final byte CLOSE = 6;
  static final byte CLEAR = 7;
  static final byte NO_MORE = 0;

  private final CellMessage message = new CellMessage();
  private boolean begun;
  private long calls;

  private CellMessage call(byte kind) {
    if (!begun) {
      begun = true;
      message.clear();
      // The kind of the message, known when it is finished.
      message.put(NO_MORE);
    }
    calls++;
    return message.put(kind);
  }

  /**
   * @param row page-table row of the leader's
   */
  void opened(int id, SequenceRequest request, int cachedTokens, int row) {
    String salt = request.salt();
    call(OPEN).put(id).put(request.prompt().length);
    message.put(request.prompt(), 0, request.prompt().length);
    message.put((byte) (request.reusePrefix() ? 1 : 0)).put((byte) (salt == null ? 0 : 1));
    if (salt != null) {
      message.put(salt.getBytes(StandardCharsets.UTF_8));
    }
    message.put(cachedTokens).put(row);
  }

  void reserved(int id, int newLength) {
    call(RESERVE).put(id).put(newLength);
  }

  void committed(int id, int beam, int[] tokens, int from, int count) {
    call(COMMIT).put(id).put(beam).put(count).put(tokens, from, count);
  }

  /**
   * @param rows page-table rows of the leader's, by beam
   */
  void forked(int id, int[] rows) {
    call(FORK).put(id).put(rows.length).put(rows, 0, rows.length);
  }

  void reordered(int id, int[] parents) {
    call(REORDER).put(id).put(parents.length).put(parents, 0, parents.length);
  }

  void closed(int id) {
    call(CLOSE).put(id);
  }

  void cleared() {
    call(CLEAR);
  }

  /** The calls since the last message, and the step that comes after them. */
  ByteBuffer step(StepBatch batch) {
    finishCalls();
    message.put(batch.size());
    batch.forEachSegment(
        (row, start, tokens, from, count) -> {
          message.put(row).put(start).put(count);
          message.put(tokens, from, count);
        });
    return message.finished().put(0, STEP);
  }

  /** The calls since the last message, and that no more will come. */
  ByteBuffer end() {
    finishCalls();
    message.put(calls);
    return message.finished().put(0, END);
  }

  private void finishCalls() {
    if (!begun) {
      message.clear();
      message.put(NO_MORE);
    }
    message.put(NO_MORE);
    begun = false;
  }
}
