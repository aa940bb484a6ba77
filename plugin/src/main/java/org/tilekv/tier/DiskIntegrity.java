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

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tilekv.tier.DiskSlot.State;

/** Checks that the books of the disk tier add up, while no call runs. O(slots). */
final class DiskIntegrity {
  private DiskIntegrity() {}

  static void check(
      List<DiskSpace> spaces, Map<GroupKey, DiskSlot> resident, Map<GroupKey, DiskSlot> writing) {
    require(writing.isEmpty(), writing.size() + " groups are being written");
    int linked = 0;
    for (DiskSpace space : spaces) {
      check(space, resident);
      linked += space.resident;
    }
    require(linked == resident.size(), linked + " groups in order, " + resident.size() + " keys");
  }

  private static void check(DiskSpace space, Map<GroupKey, DiskSlot> resident) {
    require(space.users == 0 && space.writing == 0, "directory is in use: " + space.users);
    Set<DiskSlot> seen = new HashSet<>();
    DiskSlot before = null;
    for (DiskSlot slot = space.oldest; slot != null; slot = slot.newer) {
      require(slot.state == State.RESIDENT && seen.add(slot), "a slot in order is " + slot.state);
      require(slot.older == before, "the links of the order of use disagree");
      require(before == null || before.lastUse <= slot.lastUse, "the order is not by last use");
      require(slot.pins == 0, "a slot has pins " + slot.pins);
      require(resident.get(slot.key) == slot, "group " + slot.key + " is not found by its key");
      before = slot;
    }
    require(seen.size() == space.resident, space.resident + " counted, " + seen.size() + " there");
    for (DiskSlot slot : space.free) {
      require(slot.state == State.FREE && seen.add(slot), "a free slot is " + slot.state);
    }
    require(seen.size() == space.slots, seen.size() + " slots; there must be " + space.slots);
    require(space.fileBytes <= space.capBytes, space.fileBytes + " bytes; cap " + space.capBytes);
  }

  private static void require(boolean holds, String violation) {
    if (!holds) {
      throw new IllegalStateException("disk tier: " + violation);
    }
  }
}
