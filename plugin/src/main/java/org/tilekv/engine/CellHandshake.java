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
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * How a cell begins: every member tells the leader the state of its cache, the leader says how to
 * go on. Where the caches do not hold the same tiles all of them are emptied first. Members wait
 * for each other longer than for a message that is due, since each loads its weights before: until
 * the checkpoint throws, as it does where the task was killed or its caller's limit is over.
 */
final class CellHandshake {

  private static final long POLL_MS = 200;
  private static final byte REFUSED = 0;
  private static final byte GO_ON = 1;
  private static final byte EMPTY_FIRST = 2;

  private final CellLink link;
  private final CellState own;
  private final Runnable checkpoint;
  private final CellMessage message = new CellMessage();

  /**
   * @param checkpoint called while waiting; throws where the task was killed or has waited too long
   */
  CellHandshake(CellLink link, CellState own, Runnable checkpoint) {
    this.link = link;
    this.own = own;
    this.checkpoint = checkpoint;
  }

  /**
   * How the members begin.
   *
   * @param emptyFirst whether caches are to be emptied
   * @param lineage number of this job
   */
  record Beginning(boolean emptyFirst, long lineage) {}

  Beginning run() {
    return link.rank() == 0 ? lead() : follow();
  }

  private Beginning lead() {
    boolean same = true;
    for (int from = 1; from < link.size(); from++) {
      CellState other = CellState.read(await(link, from, checkpoint));
      if (!own.fits(other)) {
        throw refuse("member 0 has %s, member %d has %s".formatted(own, from, other));
      }
      same &= own.holdsWhat(other);
    }
    long lineage = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
    message.clear();
    message.put(same ? GO_ON : EMPTY_FIRST).put(lineage);
    sendAll();
    return new Beginning(!same, lineage);
  }

  private CellException refuse(String difference) {
    String why = "the members of this cell are not alike: " + difference;
    message.clear();
    message.put(REFUSED).put(why.getBytes(StandardCharsets.UTF_8));
    sendAll();
    return new CellException(why);
  }

  private void sendAll() {
    ByteBuffer finished = message.finished();
    for (int to = 1; to < link.size(); to++) {
      link.send(to, finished.rewind());
    }
  }

  private Beginning follow() {
    message.clear();
    own.writeTo(message);
    link.send(0, message.finished());
    ByteBuffer answer = await(link, 0, checkpoint);
    byte verdict = answer.get();
    if (verdict == REFUSED) {
      throw new CellException(new String(CellMessage.bytes(answer), StandardCharsets.UTF_8));
    }
    return new Beginning(verdict == EMPTY_FIRST, answer.getLong());
  }

  /** The next message of a member, however long it takes. */
  static ByteBuffer await(CellLink link, int from, Runnable checkpoint) {
    while (true) {
      checkpoint.run();
      @Nullable ByteBuffer received = link.poll(from, POLL_MS);
      if (received != null) {
        return received;
      }
    }
  }
}
