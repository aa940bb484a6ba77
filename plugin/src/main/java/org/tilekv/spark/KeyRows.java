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

import java.util.Iterator;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/** Gives each row its place in the input as key, and takes the schema off it. */
final class KeyRows implements Function2<Integer, Iterator<Row>, Iterator<Tuple2<Long, Row>>> {
  private static final long serialVersionUID = 1L;

  @Override
  public Iterator<Tuple2<Long, Row>> call(Integer partition, Iterator<Row> rows) {
    return new Iterator<>() {
      private long index;

      @Override
      public boolean hasNext() {
        return rows.hasNext();
      }

      @Override
      public Tuple2<Long, Row> next() {
        Row row = rows.next();
        @Nullable Object[] values = new Object[row.length()];
        for (int i = 0; i < values.length; i++) {
          values[i] = row.get(i);
        }
        return new Tuple2<>(CellLayout.key(partition, index++), RowFactory.create(values));
      }
    };
  }
}
