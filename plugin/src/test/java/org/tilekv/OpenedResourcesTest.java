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
package org.tilekv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OpenedResourcesTest {
  private final List<String> closed = new ArrayList<>();
  private final OpenedResources resources = new OpenedResources();

  private void add(String name, boolean fails) {
    AutoCloseable resource =
        () -> {
          closed.add(name);
          if (fails) {
            throw new IOException(name + " is stuck");
          }
        };
    resources.add(resource);
  }

  @Test
  void closesInReverseAndOnce() {
    add("first", false);
    add("second", false);
    resources.close();
    resources.close();
    assertThat(closed).containsExactly("second", "first");
  }

  @Test
  void oneFailureDoesNotKeepTheOthersOpen() {
    add("first", true);
    add("second", false);
    add("third", true);
    assertThatThrownBy(resources::close)
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("third is stuck")
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
    assertThat(closed).containsExactly("third", "second", "first");
  }

  @Test
  void failuresAfterAFailureAreSuppressed() {
    add("first", true);
    IllegalStateException failure = new IllegalStateException("opening failed");
    resources.closeAfter(failure);
    assertThat(failure.getSuppressed()).hasSize(1);
  }
}
