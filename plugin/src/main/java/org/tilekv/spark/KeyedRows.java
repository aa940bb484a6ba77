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

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import scala.Tuple2;

/**
 * Rows that keep their keys on the way through an iterator that gives one row for each, in order.
 */
final class KeyedRows implements Iterator<Tuple2<Long, Row>> {

  private final Deque<Long> keys = new ArrayDeque<>();
  private final Iterator<Row> rows;
  private final Runnable atEnd;
  private boolean ended;

  /**
   * @param through the iterator around the rows alone
   * @param atEnd called once, when there are no more rows
   */
  KeyedRows(
      Iterator<Tuple2<Long, Row>> input,
      Function<Iterator<Row>, Iterator<Row>> through,
      Runnable atEnd) {
    this.atEnd = atEnd;
    rows = through.apply(withoutKeys(input));
  }

  private Iterator<Row> withoutKeys(Iterator<Tuple2<Long, Row>> input) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return input.hasNext();
      }

      @Override
      public Row next() {
        Tuple2<Long, Row> pair = input.next();
        keys.addLast(pair._1);
        return pair._2;
      }
    };
  }

  @Override
  public boolean hasNext() {
    if (!ended && !rows.hasNext()) {
      ended = true;
      atEnd.run();
    }
    return !ended;
  }

  @Override
  public Tuple2<Long, Row> next() {
    Row row = rows.next();
    return new Tuple2<>(keys.removeFirst(), row);
  }
}
