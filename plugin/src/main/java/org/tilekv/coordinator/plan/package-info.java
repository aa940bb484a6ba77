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
/**
 * What a job's rows share, and how they are cut into groups, free of Spark. In the order of the
 * work:
 *
 * <ol>
 *   <li>{@link org.tilekv.coordinator.plan.PathCounter}: the rows of one partition, as paths of
 *       tile names, become counted tree nodes, in bytes.
 *   <li>{@link org.tilekv.coordinator.plan.NodeTable}: adds up the nodes of many partitions and
 *       drops those that one row alone has.
 *   <li>{@link org.tilekv.coordinator.plan.PrefixTree}: the tree of what is left, in preorder.
 *   <li>{@link org.tilekv.coordinator.plan.GroupCutter}: cuts the rows, in the order of the tree,
 *       into groups that each cost their share ({@link org.tilekv.coordinator.plan.GroupShares}).
 *   <li>{@link org.tilekv.coordinator.plan.JobPlan}: tells each row its group and its place there,
 *       and each group which tiles it needs when. Travels to the executors as bytes.
 * </ol>
 *
 * <p>A prefix is named as the cache names its last tile ({@link
 * org.tilekv.prefix.ChainHash#shortName}, 64 bits). A plan is a hint: whatever it says of a row,
 * the row gets the same answer.
 */
@NullMarked
package org.tilekv.coordinator.plan;

import org.jspecify.annotations.NullMarked;
