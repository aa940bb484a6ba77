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

/**
 * An open {@link BatchPlan}: says how far its task has come. Thread-safe; never fails, also after
 * the cache is closed.
 */
public interface PlannedRows extends AutoCloseable {

  /**
   * Rows before {@code position} need their tiles no more: they have ended, or hold what they need.
   * Positions only go forward; a lower one than before changes nothing. Cheap: its cost is that of
   * the few tiles whose next use is passed.
   */
  void reached(int position);

  /** The plan's tiles are needed no more, as far as it knows. Closing twice does nothing. */
  @Override
  void close();
}
