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

import java.util.ArrayList;
import java.util.List;
import org.tilekv.OpenedResources;
import org.tilekv.cache.PrefixSource;
import org.tilekv.cache.TileCache;
import org.tilekv.prefix.Namespace;

/** The sources of several, in their order. */
record JoinedSources(List<PrefixSources> parts) implements PrefixSources {

  @Override
  public List<PrefixSource> open(TileCache cache, Namespace namespace) {
    OpenedResources opened = new OpenedResources();
    try {
      List<PrefixSource> sources = new ArrayList<>();
      for (PrefixSources part : parts) {
        for (PrefixSource source : part.open(cache, namespace)) {
          sources.add(opened.add(source));
        }
      }
      return sources;
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }
}
