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
package org.tilekv.spark;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.coordinator.Locate;
import org.tilekv.coordinator.Located;
import org.tilekv.coordinator.Message;
import org.tilekv.coordinator.Messages;
import org.tilekv.coordinator.Peer;
import org.tilekv.coordinator.TileNames;
import org.tilekv.prefix.ChainHash;

/**
 * Asks the driver who holds tiles: one question at a time, in which all prompts that wait by then
 * are asked for together. Thread-safe.
 */
final class TileLocator {

  /** Prompts that wait; more are answered at once, with nobody. */
  static final int MAX_WAITING = 1024;

  /** How long nobody is asked after the driver has said that there is no other executor. */
  static final long ALONE_NS = 2_000_000_000L;

  private static final Logger LOG = LoggerFactory.getLogger(TileLocator.class);

  private final String executorId;
  private final DriverAsk driver;
  private final Executor thread;
  private final LongSupplier nanoClock;
  private final Queue<Question> waiting = new ArrayDeque<>();
  private boolean asking;
  private volatile Others known;

  private record Others(int count, long atNs) {}

  /** Sends a message to the driver and waits for the answer. */
  @FunctionalInterface
  interface DriverAsk {
    byte[] ask(byte[] message) throws Exception;
  }

  private record Question(List<ChainHash> names, Consumer<List<@Nullable Peer>> answer) {}

  /**
   * @param thread runs one task at a time; may refuse
   */
  TileLocator(String executorId, DriverAsk driver, Executor thread, LongSupplier nanoClock) {
    this.executorId = executorId;
    this.driver = driver;
    this.thread = thread;
    this.nanoClock = nanoClock;
    known = new Others(1, nanoClock.getAsLong());
  }

  /**
   * Executors that there were to fetch from when the driver was asked last; 1 before, and where
   * there was none and some may have come since.
   */
  int others() {
    Others now = known;
    boolean old = now.count() == 0 && nanoClock.getAsLong() - now.atNs() > ALONE_NS;
    return old ? 1 : now.count();
  }

  /**
   * Asks for tiles of one prompt.
   *
   * @param answer called once, soon, with a holder or null for each name
   */
  void locate(List<ChainHash> names, Consumer<List<@Nullable Peer>> answer) {
    Question question = new Question(names, answer);
    boolean taken;
    boolean start = false;
    synchronized (this) {
      taken = waiting.size() < MAX_WAITING && names.size() <= TileNames.MAX;
      if (taken) {
        waiting.add(question);
        start = !asking;
        asking = true;
      }
    }
    if (!taken) {
      answer.accept(nobody(names.size()));
    } else if (start) {
      start();
    }
  }

  private void start() {
    try {
      thread.execute(this::askAll);
    } catch (RuntimeException e) {
      answerNobody(next());
    }
  }

  private void askAll() {
    List<Question> batch = next();
    try {
      while (!batch.isEmpty()) {
        answer(batch, ask(batch));
        batch = next();
      }
    } finally {
      // Some are left after an error only; without an answer their prompts would wait for ever.
      answerNobody(batch);
    }
  }

  /** Answers these and all that wait: nobody asks any more. */
  private void answerNobody(List<Question> first) {
    for (List<Question> batch = first; !batch.isEmpty(); batch = next()) {
      answer(batch, null);
    }
  }

  /** Questions that fit one message together; where none is left, nobody asks any more. */
  private synchronized List<Question> next() {
    List<Question> batch = new ArrayList<>();
    int names = 0;
    Question question = waiting.peek();
    while (question != null && names + question.names().size() <= TileNames.MAX) {
      names += question.names().size();
      batch.add(question);
      waiting.remove();
      question = waiting.peek();
    }
    asking = !batch.isEmpty();
    return batch;
  }

  private @Nullable Located ask(List<Question> batch) {
    List<Long> names = new ArrayList<>();
    for (Question question : batch) {
      question.names().forEach(name -> names.add(name.shortName()));
    }
    try {
      Message reply =
          Messages.decode(driver.ask(Messages.encode(new Locate(executorId, TileNames.of(names)))));
      if (reply instanceof Located located && located.holders().size() == names.size()) {
        known = new Others(located.others(), nanoClock.getAsLong());
        return located;
      }
      LOG.debug("the driver does not say who holds tiles: {}", reply);
    } catch (Exception e) {
      LOG.debug("the driver cannot be asked who holds tiles", e);
    }
    return null;
  }

  private static void answer(List<Question> batch, @Nullable Located located) {
    int at = 0;
    for (Question question : batch) {
      try {
        question.answer().accept(holders(question, located, at));
      } catch (Throwable e) {
        // The others still get their answers.
        LOG.warn("an answer to who holds tiles was not taken", e);
      }
      at += question.names().size();
    }
  }

  private static List<@Nullable Peer> holders(
      Question question, @Nullable Located located, int at) {
    if (located == null) {
      return nobody(question.names().size());
    }
    List<@Nullable Peer> holders = new ArrayList<>();
    for (int i = 0; i < question.names().size(); i++) {
      int place = located.holders().get(at + i);
      holders.add(place == Located.NOBODY ? null : located.peers().get(place));
    }
    return holders;
  }

  private static List<@Nullable Peer> nobody(int names) {
    return Collections.nCopies(names, null);
  }
}
