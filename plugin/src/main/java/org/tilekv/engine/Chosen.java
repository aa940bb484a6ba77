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

import org.jspecify.annotations.Nullable;
import org.tilekv.llm.TokenDecoder;

/**
 * Which tokens the decoder chooses itself; the engine's {@link TokenSampler} chooses the others.
 */
enum Chosen {
  NONE,
  LIKELIEST,
  LIKELIEST_AND_DRAWN;

  static Chosen by(@Nullable TokenDecoder decoder) {
    if (decoder == null) {
      return NONE;
    }
    return decoder.drawsTokens() ? LIKELIEST_AND_DRAWN : LIKELIEST;
  }
}
