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
package org.tilekv.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.tilekv.BatchPlan;
import org.tilekv.PlannedRows;
import org.tilekv.SequenceRequest;
import org.tilekv.prefix.TileName;

/** Opens, advances and closes plans of one cache at random: true ones, and ones of other names. */
final class RandomPlans {

  private static final int MOST_OPEN = 3;

  long opened;
  private final TileCache cache;
  private final Prompts prompts;
  private final Random random;
  private final List<PlannedRows> open = new ArrayList<>();

  RandomPlans(TileCache cache, Prompts prompts, Random random) {
    this.cache = cache;
    this.prompts = prompts;
    this.random = random;
  }

  void step() {
    int choice = random.nextInt(10);
    if (open.isEmpty() || choice < 2 && open.size() < MOST_OPEN) {
      open.add(cache.plan(random.nextInt(4) == 0 ? foreign() : ofPrompts()));
      opened++;
    } else if (choice < 4) {
      PlannedRows plan = open.remove(random.nextInt(open.size()));
      plan.close();
      plan.reached(1);
      plan.close();
    } else {
      open.get(random.nextInt(open.size())).reached(random.nextInt(40) - 1);
    }
  }

  private BatchPlan ofPrompts() {
    SequenceRequest any = prompts.next(random, 0);
    int[][] rows = new int[random.nextInt(40)][];
    Arrays.setAll(rows, row -> prompts.next(random, 0).prompt());
    TileName root = TileName.root(cache.options().namespace(), any.salt());
    return StaticPlan.of(root, rows, TestCaches.TILE_TOKENS);
  }

  private BatchPlan foreign() {
    long[] names = random.longs(random.nextInt(20)).distinct().toArray();
    int[][] uses = new int[names.length][];
    Arrays.setAll(uses, i -> random.ints(3).map(n -> n >>> 1).sorted().distinct().toArray());
    return new BatchPlan(names, uses);
  }

  void closeAll() {
    open.forEach(PlannedRows::close);
    open.clear();
  }
}
