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
package org.tilekv.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Holds {@code docs/configuration.md} and the registry together. */
class ConfigurationPageTest {

  private static final Path PAGE =
      Path.of(System.getProperty("basedir", "."), "..", "docs", "configuration.md");

  @Test
  void pageIsWhatTheRegistrySays() throws IOException {
    String expected = ConfigurationPage.render();
    if (Boolean.getBoolean("tilekv.docs.update")) {
      Files.createDirectories(PAGE.getParent());
      Files.writeString(PAGE, expected);
    }
    assertThat(Files.exists(PAGE) ? Files.readString(PAGE) : "(no page)")
        .as(
            "%s is stale; regenerate it with ./mvnw test -pl plugin -Dtest=ConfigurationPageTest"
                + " -Dtilekv.docs.update=true",
            PAGE.normalize())
        .isEqualTo(expected);
  }

  @Test
  void everySettingHasItsRow() {
    String page = ConfigurationPage.render();
    for (Setting<?> setting : Settings.all()) {
      assertThat(page).contains("| `" + setting.key() + "` |").contains(setting.doc());
    }
  }
}
