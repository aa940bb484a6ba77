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
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** One shard map that follows a list of members. */
final class TestMap {

  private final ShardMaps maps;
  private final int groups;
  private List<Member> members = List.of();

  TestMap(int groups, int headShards) {
    maps = new ShardMaps(headShards);
    this.groups = groups;
  }

  /** A map that is made when all members are there. */
  static ShardMap placed(int groups, List<Member> members) {
    TestMap map = new TestMap(groups, 1);
    members.forEach(map.maps::put);
    return map.maps.create(groups);
  }

  ShardMap now() {
    return maps.create(groups);
  }

  /** Members leave first, all at once, then come one by one. */
  ShardMap follow(List<Member> next) {
    now();
    Set<String> ids = next.stream().map(Member::executorId).collect(Collectors.toSet());
    List<String> gone = new ArrayList<>();
    for (Member member : members) {
      if (!ids.contains(member.executorId())) {
        gone.add(member.executorId());
      }
    }
    maps.remove(gone);
    next.forEach(maps::put);
    members = List.copyOf(next);
    maps.tables().forEach(ShardTable::checkIntegrity);
    return now();
  }
}
