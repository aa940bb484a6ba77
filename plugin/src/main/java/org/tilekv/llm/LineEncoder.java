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

import com.fasterxml.jackson.core.JsonProcessingException;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Encodes texts line by line and remembers the tokens of lines, where the tokenizer is one for
 * which that gives the same tokens ({@link LineCuts}). Prompts of a batch share instructions and
 * examples; finding a line costs a hash of its characters, encoding it some hundred times as much.
 * Lines that nothing is known of are encoded together, since each call of the library costs a line
 * or two. Thread-safe.
 */
final class LineEncoder {

  private static final long CACHE_BYTES = 16L << 20;
  private static final String PROBE = "x";

  private final TokenizerHandle handle;
  private final LineTokenCache cache;

  /** What the post-processor puts before and after the tokens of a text. */
  private final int[] front;

  private final int[] behind;

  private LineEncoder(TokenizerHandle handle, int[] front, int[] behind) {
    this.handle = handle;
    this.cache = new LineTokenCache(CACHE_BYTES);
    this.front = front;
    this.behind = behind;
  }

  /**
   * The encoder of a tokenizer, or null where its texts have to be encoded whole, as they have
   * where the file says what is not known here.
   */
  static @Nullable LineEncoder of(String json, TokenizerHandle handle, boolean addSpecialTokens) {
    try {
      return LineCuts.suit(TokenizerParts.parse(json)) ? of(handle, addSpecialTokens) : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  private static @Nullable LineEncoder of(TokenizerHandle handle, boolean addSpecialTokens) {
    int[] plain = handle.encode(PROBE, false);
    int[] whole = handle.encode(PROBE, addSpecialTokens);
    int[] found = places(plain, whole);
    if (found.length != 1) {
      return null;
    }
    int end = found[0] + plain.length;
    return new LineEncoder(
        handle, Arrays.copyOf(whole, found[0]), Arrays.copyOfRange(whole, end, whole.length));
  }

  private static int[] places(int[] part, int[] whole) {
    return IntStream.rangeClosed(0, whole.length - part.length)
        .filter(at -> Arrays.equals(whole, at, at + part.length, part, 0, part.length))
        .toArray();
  }

  /**
   * The tokens of a text, special ones included.
   *
   * @throws IllegalStateException where the tokenizer is closed
   */
  int[] encode(String text) {
    handle.requireOpen();
    Pieces pieces = new Pieces(text);
    pieces.add(front);
    if (LineCuts.isWellFormed(text)) {
      pieces.addKnownLines();
    }
    pieces.encodeUpTo(text.length());
    pieces.add(behind);
    return pieces.toArray();
  }

  private int[] encodeLine(String line) {
    return handle.encode(line, false);
  }

  /** The tokens of a text's pieces: of known lines, and of what is between them. */
  private final class Pieces {

    private final String text;
    private final List<int[]> pieces = new ArrayList<>();
    private int length;

    /** End of what has its tokens in the pieces. */
    private int encoded;

    Pieces(String text) {
      this.text = text;
    }

    void addKnownLines() {
      for (int from = 0, to; from < text.length(); from = to) {
        to = LineCuts.next(text, from);
        int[] tokens = cache.get(text.substring(from, to), LineEncoder.this::encodeLine);
        if (tokens != null) {
          encodeUpTo(from);
          add(tokens);
          encoded = to;
        }
      }
    }

    void encodeUpTo(int end) {
      if (encoded < end) {
        add(encodeLine(text.substring(encoded, end)));
        encoded = end;
      }
    }

    void add(int[] tokens) {
      pieces.add(tokens);
      length += tokens.length;
    }

    int[] toArray() {
      IntBuffer all = IntBuffer.allocate(length);
      pieces.forEach(all::put);
      return all.array();
    }
  }
}
