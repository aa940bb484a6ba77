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
package org.tilekv.coordinator;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tells executors about each other. Guarded by the coordinator's lock. */
final class PeerLookup {

  private final ExecutorRegistry executors;
  private final PrefixDirectory directory;

  PeerLookup(ExecutorRegistry executors, PrefixDirectory directory) {
    this.executors = executors;
    this.directory = directory;
  }

  /** For every tile an executor that holds it: for a row of tiles the same one where it can be. */
  Located locate(Locate locate) {
    Map<String, Integer> places = new LinkedHashMap<>();
    List<Integer> holders = new ArrayList<>(locate.names().size());
    String last = null;
    for (int i = 0; i < locate.names().size(); i++) {
      last = holder(directory.holders(locate.names().get(i)), locate.executorId(), last);
      if (last != null && !places.containsKey(last) && places.size() < Successors.MAX_PEERS) {
        places.put(last, places.size());
      }
      holders.add(last == null ? Located.NOBODY : places.getOrDefault(last, Located.NOBODY));
    }
    List<Peer> named = new ArrayList<>(places.size());
    for (String id : places.keySet()) {
      executors.peer(id).ifPresent(named::add);
    }
    int others = executors.peers() - (executors.isPeer(locate.executorId()) ? 1 : 0);
    return new Located(others, named, holders);
  }

  private @Nullable String holder(List<String> holders, String asking, @Nullable String last) {
    String latest = null;
    for (String holder : holders) {
      if (holder.equals(last)) {
        return holder;
      }
      latest = executors.isPeer(holder) && !holder.equals(asking) ? holder : latest;
    }
    return latest;
  }

  /**
   * Who takes over from an executor that is leaving.
   *
   * @param owners who should get its tiles
   */
  Successors successors(String executorId, List<Member> owners) {
    List<Peer> successors =
        owners.stream()
            .map(Member::executorId)
            .filter(id -> !id.equals(executorId))
            .flatMap(id -> executors.peer(id).stream())
            .limit(Successors.MAX_PEERS)
            .toList();
    return new Successors(true, successors);
  }
}
