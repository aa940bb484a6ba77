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

import java.util.List;
import org.tilekv.llm.Tokenizer;

/** Text of generated sequences. */
public final class GenerationTexts {
  private GenerationTexts() {}

  /**
   * Text of a generated sequence without the end-of-sequence token, cut before the first stop
   * string where one ended it.
   *
   * @param stopStrings {@link GenerationRequest#stopStrings} of its request
   */
  public static String text(
      GenerationResult.Sequence sequence, List<String> stopStrings, Tokenizer tokenizer) {
    String text = tokenizer.decode(sequence.tokens(), 0, sequence.textTokens());
    if (sequence.reason() != GenerationResult.FinishReason.STOP_STRING) {
      return text;
    }
    int end = text.length();
    for (String stop : stopStrings) {
      int at = text.indexOf(stop);
      end = at >= 0 ? Math.min(end, at) : end;
    }
    return text.substring(0, end);
  }
}
