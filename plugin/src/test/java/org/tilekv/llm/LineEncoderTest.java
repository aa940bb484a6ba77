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

import static org.assertj.core.api.Assertions.assertThat;
import static org.tilekv.llm.TokenizerFile.BYTES;
import static org.tilekv.llm.TokenizerFile.DIGITS;
import static org.tilekv.llm.TokenizerFile.LLAMA_3;
import static org.tilekv.llm.TokenizerFile.QWEN;
import static org.tilekv.llm.TokenizerFile.WORDS_AND_BYTES;
import static org.tilekv.llm.TokenizerFile.words;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LineEncoderTest {

  private static final String BOS_FIRST =
      "{'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': '<s>', 'type_id': 0}},"
          + " {'Sequence': {'id': 'A', 'type_id': 0}}], 'pair': [{'Sequence': {'id': 'A',"
          + " 'type_id': 0}}, {'Sequence': {'id': 'B', 'type_id': 1}}], 'special_tokens': {'<s>':"
          + " {'id': '<s>', 'ids': [0], 'tokens': ['<s>']}}}";
  private static final String BOS_AND_EOS =
      BOS_FIRST
          .replace(
              "{'Sequence': {'id': 'A', 'type_id': 0}}], 'pair'",
              "{'Sequence': {'id': 'A', 'type_id': 0}}, {'SpecialToken': {'id': '</s>', 'type_id':"
                  + " 0}}], 'pair'")
          .replace(
              "[0], 'tokens': ['<s>']}",
              "[0], 'tokens': ['<s>']}, '</s>': {'id': '</s>',"
                  + " 'ids': [1], 'tokens': ['</s>']}");

  /** What texts are made of: white space of all kinds, most often a line feed, and neighbours. */
  private static final String CHARACTERS =
      "\n\n\n\n\n  \r\t\u00a0\u0085\u2028\u3000\u200b\u180e\u0000ab1.!'-<é\u0301ﬁ。½Ⅷ\uD800\uDC00\uE000";

  private static final List<String> WORDS =
      List.of(
          "the",
          "23",
          "4567",
          "...",
          "'s",
          "'LL",
          "<s>",
          "</s>",
          "e\u0301",
          "日本",
          "\uD83D\uDE00",
          "\u0e01\u0e33",
          "a\nb",
          ".\n1",
          "1\n'");

  @Test
  void linesGiveTheTokensOfTheWhole() throws IOException {
    for (TokenizerFile file :
        List.of(
            new TokenizerFile(),
            new TokenizerFile().with("pre_tokenizer", WORDS_AND_BYTES),
            new TokenizerFile().with("pre_tokenizer", words(LLAMA_3, BYTES)),
            new TokenizerFile().with("pre_tokenizer", words(DIGITS, LLAMA_3, WORDS_AND_BYTES)),
            new TokenizerFile()
                .with("pre_tokenizer", words(QWEN, BYTES))
                .with("normalizer", "{'type': 'NFC'}"))) {
      agree(file.json(), false);
    }
  }

  @Test
  void specialTokensAreAroundTheWhole() throws IOException {
    for (String processor :
        List.of(BOS_FIRST, BOS_AND_EOS, TokenizerFile.sequence("processors", BYTES, BOS_FIRST))) {
      String json = new TokenizerFile().with("post_processor", processor).json();
      agree(json, true);
      agree(json, false);
    }
  }

  private static void agree(String json, boolean specialTokens) throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (TokenizerHandle handle = new TokenizerHandle(NativeTokenizers.library(), json)) {
      LineEncoder lines = LineEncoder.of(json, handle, specialTokens);
      assertThat(lines).isNotNull();
      assertThat(lines.encode("")).isEqualTo(handle.encode("", specialTokens));
      for (int round = 0; round < 4_000; round++) {
        String text = text(random) + "a\n" + text(new Random(random.nextInt(200))) + "\n.";
        assertThat(lines.encode(text))
            .as("seed %d, round %d, text %s", seed, round, text)
            .isEqualTo(handle.encode(text, specialTokens));
      }
    }
  }

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int parts = random.nextInt(24); parts > 0; parts--) {
      if (random.nextInt(3) == 0) {
        text.append(WORDS.get(random.nextInt(WORDS.size())));
      } else {
        text.append(CHARACTERS.charAt(random.nextInt(CHARACTERS.length())));
      }
    }
    return text.toString();
  }

  @Test
  void otherTokenizersEncodeTextsWhole() throws IOException {
    String lookalike = LLAMA_3.replace("{1,3}", "{1,4}");
    for (TokenizerFile file :
        List.of(
            new TokenizerFile().with("pre_tokenizer", "null"),
            new TokenizerFile().with("pre_tokenizer", BYTES),
            new TokenizerFile().with("pre_tokenizer", words(LLAMA_3)),
            new TokenizerFile().with("pre_tokenizer", words(BYTES, LLAMA_3)),
            new TokenizerFile().with("pre_tokenizer", words(lookalike, BYTES)),
            new TokenizerFile()
                .with("pre_tokenizer", words(LLAMA_3.replace("Isolated", "Removed"), BYTES)),
            new TokenizerFile()
                .with("pre_tokenizer", WORDS_AND_BYTES.replace("prefix_space': false", "x': 1")),
            new TokenizerFile().with("normalizer", "{'type': 'Prepend', 'prepend': '_'}"),
            new TokenizerFile().with("normalizer", "{'type': 'NFKC'}"),
            new TokenizerFile().model("dropout", "0.1"),
            new TokenizerFile().addedToken("content", "'a\\nb'"),
            new TokenizerFile().addedToken("lstrip", "true"),
            new TokenizerFile().addedToken("rstrip", "true"),
            new TokenizerFile().addedToken("single_word", "true"))) {
      assertThat(LineCuts.suit(TokenizerParts.parse(file.json()))).isFalse();
    }
  }

  @Test
  void aFileThatOnlyTheLibraryCanReadIsLeftToIt() throws IOException {
    String json = new TokenizerFile().json();
    try (TokenizerHandle handle = new TokenizerHandle(NativeTokenizers.library(), json)) {
      assertThat(LineEncoder.of("[]", handle, false)).isNull();
      assertThat(LineEncoder.of("{", handle, false)).isNull();
    }
  }

  @Test
  void cutsAreBetweenVisibleCharacters() {
    assertThat(LineCuts.next("ab\ncd\n", 0)).isEqualTo(3);
    assertThat(LineCuts.next("ab\ncd\n", 3)).isEqualTo(6);
    assertThat(LineCuts.next("\nab", 0)).isEqualTo(3);
    assertThat(LineCuts.next("a\n\nb", 0)).isEqualTo(4);
    assertThat(LineCuts.next("a\r\nb\nc", 0)).isEqualTo(5);
    assertThat(LineCuts.next("a\n b", 0)).isEqualTo(4);
    assertThat(LineCuts.next("a\n\uD83D\uDE00", 0)).isEqualTo(4);
    assertThat(LineCuts.next("", 0)).isZero();
  }
}
