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
package org.tilekv.bench.eviction;

import java.util.List;

/**
 * Rows in the order in which they ask to be admitted.
 *
 * @param name for the report
 * @param jobs jobs that the rows belong to; the rows of each are in order of their positions
 */
record RowTrace(String name, int jobs, List<TraceRow> rows) {

  int[][] promptsOf(int job) {
    return rows.stream()
        .filter(row -> row.job() == job)
        .map(TraceRow::prompt)
        .toArray(int[][]::new);
  }
}
