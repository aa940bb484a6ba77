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
package org.tilekv.llm;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Owns one native tokenizer. Calls may run on many threads; the native memory is freed by the last
 * of the calls that were running when it was closed, so that none of them reads freed memory.
 */
final class TokenizerHandle implements AutoCloseable {

  private final TokenizersLibrary library;
  private final long address;

  /** Running calls, plus one for the owner until it closes; 0 when freed. */
  private final AtomicInteger users = new AtomicInteger(1);

  private final AtomicBoolean closed = new AtomicBoolean();

  /** Builds a tokenizer that neither truncates nor pads, whatever its file says. */
  TokenizerHandle(TokenizersLibrary library, String json) {
    this.library = library;
    this.address = library.createTokenizerFromString(json);
    library.disableTruncation(address);
    library.disablePadding(address);
  }

  int[] encode(String text, boolean addSpecialTokens) {
    acquire();
    try {
      long encoding = library.encode(address, text, addSpecialTokens);
      try {
        return toInts(library.getTokenIds(encoding));
      } finally {
        library.deleteEncoding(encoding);
      }
    } finally {
      release();
    }
  }

  private static int[] toInts(long[] ids) {
    int[] tokens = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      tokens[i] = (int) ids[i];
    }
    return tokens;
  }

  String decode(long[] tokens) {
    acquire();
    try {
      return library.decode(address, tokens, true);
    } finally {
      release();
    }
  }

  /**
   * @throws IllegalStateException where it is closed
   */
  void requireOpen() {
    if (closed.get()) {
      throw isClosed();
    }
  }

  private static IllegalStateException isClosed() {
    return new IllegalStateException("the tokenizer is closed");
  }

  private void acquire() {
    requireOpen();
    if (users.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
      throw isClosed();
    }
  }

  private void release() {
    if (users.decrementAndGet() == 0) {
      library.deleteTokenizer(address);
    }
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release();
    }
  }
}
