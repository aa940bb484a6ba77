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

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tilekv.engine.GenerationResult.FinishReason;
import org.tilekv.engine.GenerationResult.Sequence;
import org.tilekv.llm.Tokenizer;

class StopStringTest {

  /** One token per UTF-8 byte: token id = byte + 2. */
  private static final class ByteTokenizer implements Tokenizer {
    @Override
    public int[] encode(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      int[] tokens = new int[bytes.length];
      for (int i = 0; i < bytes.length; i++) {
        tokens[i] = (bytes[i] & 0xFF) + 2;
      }
      return tokens;
    }

    @Override
    public String decode(int[] tokens, int from, int to) {
      byte[] bytes = new byte[to - from];
      int length = 0;
      for (int i = from; i < to; i++) {
        if (tokens[i] > 1) {
          bytes[length++] = (byte) (tokens[i] - 2);
        }
      }
      return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {}
  }

  private static final Tokenizer TOKENIZER = new ByteTokenizer();

  /** Feeds a text token by token; returns how many tokens it took to find a stop string. */
  private static int tokensUntilStop(String text, List<String> stops) {
    int[] generated = TOKENIZER.encode(text);
    int[] tokens = new int[generated.length + 3];
    System.arraycopy(generated, 0, tokens, 3, generated.length);
    StopWatcher watcher = new StopWatcher(stops, TOKENIZER);
    for (int to = 4; to <= tokens.length; to++) {
      if (watcher.foundIn(tokens, 3, to)) {
        return to - 3;
      }
    }
    return -1;
  }

  @Test
  void findsStopStringsAcrossTokens() {
    assertThat(tokensUntilStop("one two three", List.of("two"))).isEqualTo(7);
    assertThat(tokensUntilStop("one two three", List.of("four", "e t"))).isEqualTo(5);
    assertThat(tokensUntilStop("one two three", List.of("four"))).isEqualTo(-1);
    assertThat(tokensUntilStop("aab", List.of("ab"))).isEqualTo(3);
  }

  @Test
  void waitsForWholeCharacters() {
    assertThat(tokensUntilStop("grün! ja", List.of("ün"))).isEqualTo(5);
    assertThat(tokensUntilStop("a\uD83D\uDE00b", List.of("\uD83D\uDE00"))).isEqualTo(5);
    assertThat(tokensUntilStop("日本語", List.of("本"))).isEqualTo(6);
  }

  @Test
  void textIsCutBeforeTheFirstStopString() {
    int[] tokens = TOKENIZER.encode("left STOP right END");
    Sequence stopped = new Sequence(tokens, tokens.length, 0, FinishReason.STOP_STRING);
    assertThat(GenerationTexts.text(stopped, List.of("END", " STOP"), TOKENIZER)).isEqualTo("left");
    Sequence whole = new Sequence(tokens, tokens.length - 4, 0, FinishReason.LENGTH);
    assertThat(GenerationTexts.text(whole, List.of("STOP"), TOKENIZER))
        .isEqualTo("left STOP right");
  }

  /** A model that recites a text, whatever the prompt was, from the prompt's end on. */
  private static EngineFixture reciting(String text, int promptTokens) {
    int[] script = TOKENIZER.encode(text);
    FakeKvCache cache = new FakeKvCache(100, 8, 4, 256);
    FakeDecoder decoder =
        new FakeDecoder(
            cache,
            258,
            256,
            history -> {
              float[] logits = new float[258];
              int at = history.length - promptTokens;
              logits[at < script.length ? script[at] : EngineFixture.EOS] = 9;
              return logits;
            });
    return new EngineFixture(cache, decoder, EngineFixture.CONFIG, TOKENIZER);
  }

  private static GenerationRequest request(int beams, int maxNewTokens, String... stops) {
    return new GenerationRequest(
        1,
        1,
        new int[] {7, 8, 9},
        maxNewTokens,
        Set.of(EngineFixture.EOS),
        List.of(stops),
        SamplingParams.GREEDY,
        beams,
        1,
        false,
        null);
  }

  @Test
  void theEngineEndsRowsAtStopStrings() {
    for (int beams : new int[] {1, 2}) {
      EngineFixture fixture = reciting("value: 42\nInput: more", 3);
      Sequence best = fixture.run(List.of(request(beams, 40, "\nInput"))).get(0).best();
      assertThat(best.reason()).isEqualTo(FinishReason.STOP_STRING);
      assertThat(best.tokens()).hasSize("value: 42\nInput".length());
      assertThat(GenerationTexts.text(best, List.of("\nInput"), TOKENIZER)).isEqualTo("value: 42");
    }
  }

  @Test
  void otherEndsAreNamed() {
    Sequence eos = reciting("ab", 3).run(List.of(request(1, 40, "zz"))).get(0).best();
    assertThat(eos.reason()).isEqualTo(FinishReason.EOS);
    assertThat(eos.tokens()).hasSize(3);
    assertThat(eos.textTokens()).isEqualTo(2);
    Sequence length = reciting("abcdef", 3).run(List.of(request(1, 4, "zz"))).get(0).best();
    assertThat(length.reason()).isEqualTo(FinishReason.LENGTH);
    assertThat(GenerationTexts.text(length, List.of("zz"), TOKENIZER)).isEqualTo("abcd");
  }

  @Test
  void stopStringsNeedATokenizer() {
    EngineFixture fixture = EngineFixture.of(10, EngineFixture.CONFIG);
    assertThat(fixture.engine.submit(request(1, 4, "x"))).isCompletedExceptionally();
  }
}
