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
package org.tilekv.spark;

import java.io.Serializable;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/**
 * Work of one task of the barrier stage: one member of a cell. Member 0 reads the cell's rows and
 * gives them with their answers; the others have none, and work until it has finished.
 */
final class CellTask
    extends AbstractFunction1<Iterator<Tuple2<Long, Row>>, Iterator<Tuple2<Long, Row>>>
    implements Serializable {
  private static final long serialVersionUID = 1L;

  private final GenerateSpec spec;
  private final CellLayout layout;
  private final long limitMs;

  /**
   * @param limitMs longest wait of a member for a message that is due
   */
  CellTask(GenerateSpec spec, CellLayout layout, long limitMs) {
    this.spec = spec;
    this.layout = layout;
    this.limitMs = limitMs;
  }

  @Override
  public Iterator<Tuple2<Long, Row>> apply(Iterator<Tuple2<Long, Row>> rows) {
    BarrierTaskContext task = BarrierTaskContext.get();
    CellRun run = new CellRun(TileKvExecutor.require(), task, spec, layout);
    task.addTaskCompletionListener((TaskCompletionListener) done -> run.close());
    run.begin(limitMs);
    return CollectionConverters.asScala(run.rows(CollectionConverters.asJava(rows)));
  }
}
