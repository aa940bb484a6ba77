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

import java.util.Optional;
import java.util.Set;
import org.apache.spark.rdd.DeterministicLevel;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.Deduplicate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Sample;
import org.apache.spark.sql.execution.ExternalRDD;
import org.apache.spark.sql.execution.LogicalRDD;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Whether rows that are read again are the same. A planned job sends rows through a shuffle, by
 * their values; where a lost part of it is made again from other values, rows would be there twice
 * and others not at all.
 *
 * <p>Values that depend on the place of a row in its partition are the same as long as the order
 * is: over files, ranges and local rows, before any shuffle. Not seen are functions that are
 * declared deterministic and are not, rows of one place in a sort of which some are taken, and the
 * last bits of sums of fractions.
 */
final class StableRows {

  private static final Set<String> BY_PLACE =
      Set.of(
          "MonotonicallyIncreasingID",
          "SparkPartitionID",
          "Rand",
          "Randn",
          "Uuid",
          "InputFileName",
          "InputFileBlockStart",
          "InputFileBlockLength");
  // Spark calls some of them deterministic.
  private static final Set<String> BY_ORDER =
      Set.of(
          "CollectList",
          "CollectSet",
          "First",
          "Last",
          "AnyValue",
          "ListAgg",
          "MaxBy",
          "MinBy",
          "Mode",
          "RowNumber",
          "NTile",
          "Lag",
          "Lead",
          "NthValue");
  private static final Set<String> TAKE_FIRST = Set.of("GlobalLimit", "LocalLimit", "Offset");
  private static final Set<String> KEEP_ORDER =
      Set.of(
          "Project",
          "Filter",
          "SubqueryAlias",
          "View",
          "Generate",
          "Union",
          "ResolvedHint",
          "SerializeFromObject",
          "DeserializeToObject",
          "TypedFilter",
          "Sample");
  private static final Set<String> ORDERED =
      Set.of("LocalRelation", "Range", "OneRowRelation", "HiveTableRelation");

  private static final String AGAIN = "reading the rows again may give others: ";
  private static final String INSTEAD = "; a checkpoint of them can be planned";

  private StableRows() {}

  /** Why rows may differ when they are read again; null where they do not. */
  static @Nullable String whyNot(Dataset<Row> rows) {
    return whyNot(rows.queryExecution().analyzed());
  }

  private static @Nullable String whyNot(LogicalPlan plan) {
    Optional<Expression> cause =
        CollectionConverters.asJava(plan.expressions()).stream()
            .flatMap(expression -> cause(expression).stream())
            .filter(c -> !BY_PLACE.contains(name(c)) || !inputIsOrdered(plan))
            .findFirst();
    if (cause.isPresent()) {
      return AGAIN + "they have a value of " + cause.get().sql() + INSTEAD;
    }
    if (takesSome(plan)) {
      return AGAIN + "some are taken of rows without an order" + INSTEAD;
    }
    return CollectionConverters.asJava(plan.children()).stream()
        .map(StableRows::whyNot)
        .filter(why -> why != null)
        .findFirst()
        .orElse(null);
  }

  /** Whether it depends on the order of rows which of them it takes; that of a sort is one. */
  private static boolean takesSome(LogicalPlan plan) {
    if (plan instanceof Deduplicate distinct) {
      return distinct.keys().size() < distinct.output().size();
    }
    return plan instanceof Sample
        ? !inputIsOrdered(plan)
        : TAKE_FIRST.contains(plan.nodeName()) && !isSorted(plan);
  }

  /** The part of an expression that does not depend on its inputs alone; aggregates hide theirs. */
  private static Optional<Expression> cause(Expression expression) {
    Optional<Expression> own =
        expression.deterministic() && !BY_ORDER.contains(name(expression))
            ? Optional.empty()
            : Optional.of(expression);
    return CollectionConverters.asJava(expression.children()).stream()
        .flatMap(child -> cause(child).stream())
        .findFirst()
        .or(() -> own);
  }

  private static String name(Expression expression) {
    return expression.getClass().getSimpleName();
  }

  private static boolean inputIsOrdered(LogicalPlan plan) {
    return CollectionConverters.asJava(plan.children()).stream().allMatch(StableRows::isOrdered);
  }

  /** Whether rows have the same order in the same partitions each time. */
  private static boolean isOrdered(LogicalPlan plan) {
    if (plan instanceof LogicalRDD logical) {
      return isOrdered(logical.rdd());
    }
    if (plan instanceof ExternalRDD<?> external) {
      return isOrdered(external.rdd());
    }
    if (plan instanceof LogicalRelation relation) {
      return relation.relation() instanceof HadoopFsRelation;
    }
    if (plan.children().isEmpty()) {
      return ORDERED.contains(plan.nodeName());
    }
    return KEEP_ORDER.contains(plan.nodeName()) && inputIsOrdered(plan);
  }

  private static boolean isOrdered(RDD<?> rdd) {
    return rdd.outputDeterministicLevel() == DeterministicLevel.DETERMINATE();
  }

  /** Whether the rows that are taken are the first ones of a sort, below other limits. */
  private static boolean isSorted(LogicalPlan plan) {
    LogicalPlan child = CollectionConverters.asJava(plan.children()).get(0);
    return child.nodeName().equals("Sort")
        || TAKE_FIRST.contains(child.nodeName()) && isSorted(child);
  }
}
