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
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvCache;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.llm.Decoder;
import org.tilekv.llm.StepBatch;
import org.tilekv.llm.StepBatch.Want;

/**
 * Repeats on one member what the leader's {@link CellLog} says, and runs its steps. An answer that
 * is not the leader's ends the cell: tiles would not be the same any more. Confined to one thread.
 */
final class CellFollower implements AutoCloseable {

  private static final int NO_ROW = -1;
  private static final float[] NO_LOGITS = {};

  private final KvCache cache;
  private final Decoder decoder;
  private final Map<Integer, KvSequence> open = new HashMap<>();
  private final StepBatch batch = new StepBatch();
  // Page-table row of this member's by that of the leader's.
  private int[] rows = {};
  private long calls;

  CellFollower(KvCache cache, Decoder decoder) {
    this.cache = cache;
    this.decoder = decoder;
  }

  /**
   * Works one message off.
   *
   * @return false when it was the last one
   */
  boolean take(ByteBuffer message) {
    byte kind = message.get();
    for (byte call = message.get(); call != CellLog.NO_MORE; call = message.get()) {
      calls++;
      repeat(call, message);
    }
    if (kind == CellLog.END) {
      require("calls repeated", message.getLong(), calls);
      return false;
    }
    if (kind != CellLog.STEP) {
      throw new CellException("a message of kind " + kind + "; known are 1 and 2");
    }
    readBatch(message);
    decoder.step(batch, NO_LOGITS);
    return true;
  }

  private void repeat(byte call, ByteBuffer in) {
    switch (call) {
      case CellLog.OPEN -> open(in);
      case CellLog.RESERVE -> {
        int id = in.getInt();
        require("room of sequence " + id, 1, sequence(id).reserve(in.getInt()) ? 1 : 0);
      }
      case CellLog.COMMIT -> commit(in);
      case CellLog.FORK -> fork(in);
      case CellLog.REORDER -> {
        KvSequence sequence = sequence(in.getInt());
        sequence.reorder(CellMessage.ints(in, in.getInt()));
      }
      case CellLog.CLOSE -> {
        int id = in.getInt();
        sequence(id).close();
        open.remove(id);
      }
      case CellLog.CLEAR -> cache.clear();
      default -> throw new CellException("a call of kind " + call + "; known are 1 to 7");
    }
  }

  private void open(ByteBuffer in) {
    int id = in.getInt();
    int[] prompt = CellMessage.ints(in, in.getInt());
    boolean reuse = in.get() != 0;
    @Nullable String salt =
        in.get() == 0 ? null : new String(CellMessage.bytes(in), StandardCharsets.UTF_8);
    KvSequence opened = cache.open(new SequenceRequest(prompt, id, salt, reuse));
    if (opened == null) {
      throw new CellException("this member has no page-table row where the leader has one");
    }
    open.put(id, opened);
    require("cached tokens of sequence " + id, in.getInt(), opened.cachedTokens());
    map(in.getInt(), opened.row(0));
  }

  private void commit(ByteBuffer in) {
    KvSequence sequence = sequence(in.getInt());
    int beam = in.getInt();
    int count = in.getInt();
    sequence.commit(beam, CellMessage.ints(in, count), 0, count);
  }

  private void fork(ByteBuffer in) {
    int id = in.getInt();
    int[] leaders = CellMessage.ints(in, in.getInt());
    require("rows for the beams of " + id, 1, sequence(id).fork(leaders.length) ? 1 : 0);
    for (int beam = 0; beam < leaders.length; beam++) {
      map(leaders[beam], sequence(id).row(beam));
    }
  }

  private void map(int leader, int own) {
    if (leader >= rows.length) {
      int before = rows.length;
      rows = Arrays.copyOf(rows, leader + 1 + before);
      Arrays.fill(rows, before, rows.length, NO_ROW);
    }
    rows[leader] = own;
  }

  private KvSequence sequence(int id) {
    KvSequence sequence = open.get(id);
    if (sequence == null) {
      throw new CellException("the leader speaks of sequence " + id + ", which is not open here");
    }
    return sequence;
  }

  private void readBatch(ByteBuffer in) {
    batch.clear();
    int segments = in.getInt();
    for (int i = 0; i < segments; i++) {
      int row = rows[in.getInt()];
      int start = in.getInt();
      int count = in.getInt();
      batch.add(row, start, CellMessage.ints(in, count), 0, count, Want.NOTHING);
    }
  }

  private static void require(String what, long leader, long own) {
    if (leader != own) {
      throw new CellException(
          what + ": the leader has " + leader + ", this member " + own + "; their caches differ");
    }
  }

  /** Closes the sequences that are still open. */
  @Override
  public void close() {
    List.copyOf(open.values()).forEach(KvSequence::close);
    open.clear();
  }
}
