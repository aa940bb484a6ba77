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
package org.tilekv.tier;

import java.util.List;
import java.util.Map;

/**
 * What a directory held when it was opened.
 *
 * @param segments files that are ours, open
 * @param groups their groups, the least recently used first
 * @param damaged slots per segment whose entry says something that is not used
 * @param lastTick highest tick found
 */
record FoundGroups(
    List<SegmentFile> segments,
    List<Group> groups,
    Map<SegmentFile, List<Integer>> damaged,
    long lastTick) {

  /** One group: where it is, when it was written and used. */
  record Group(SegmentFile segment, int slot, GroupKey key, long sequence, long lastUse) {}
}
