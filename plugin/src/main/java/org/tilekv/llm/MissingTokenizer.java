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

import java.nio.file.Path;

/** Stands for a tokenizer that the model directory does not have: refuses text, not token ids. */
final class MissingTokenizer implements Tokenizer {

  private final Path directory;

  MissingTokenizer(Path directory) {
    this.directory = directory;
  }

  @Override
  public int[] encode(String text) {
    throw missing();
  }

  @Override
  public String decode(int[] tokens, int from, int to) {
    throw missing();
  }

  private InvalidModelException missing() {
    return new InvalidModelException(
        "model directory " + directory + " has no tokenizer.json, which text needs");
  }

  @Override
  public void close() {}
}
