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
package org.tilekv.prefix;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Digests of fields, against values that Python's hashlib computed. */
class NamespaceTest {

  @Test
  void theDigestIsOverTaggedFields() {
    Namespace namespace = Namespace.builder().field("model", "llama").field("layers", 12).build();
    assertThat(namespace.hex())
        .isEqualTo("686f76bf9651293eaeac99e9a022111cb270e565335c5f10429b80a15fad3c15")
        .isEqualTo(namespace.toString());
    assertThat(Namespace.builder().build().hex())
        .isEqualTo("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  }

  @Test
  void fieldsThatMoveOverABorderDoNotCollide() {
    long number = 0x6162636465666768L;
    List<Namespace.Builder> builders =
        List.of(
            Namespace.builder().field("ab", "c"),
            Namespace.builder().field("a", "bc"),
            Namespace.builder().field("abc", ""),
            Namespace.builder().field("", "abc"),
            Namespace.builder().field("a", "b").field("c", "d"),
            Namespace.builder().field("a", "d").field("c", "b"),
            Namespace.builder().field("c", "d").field("a", "b"),
            Namespace.builder().field("a", "bt\0\0\0\1ct\0\0\0\1d"),
            Namespace.builder().field("a", "abcdefgh"),
            Namespace.builder().field("a", number),
            Namespace.builder().field("a", "1"),
            Namespace.builder().field("a", 1));
    assertThat(builders.stream().map(builder -> builder.build().hex()).distinct())
        .hasSize(builders.size());
  }

  @Test
  void theBytesAreACopy() {
    Namespace namespace = Namespace.builder().field("a", 1).build();
    String before = namespace.hex();
    namespace.bytes()[0]++;
    assertThat(namespace.hex()).isEqualTo(before);
    assertThat(namespace.bytes()).hasSize(32);
  }
}
