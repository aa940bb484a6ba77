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
 * The only users of Spark. Users meet three classes: {@link org.tilekv.spark.TileKvPlugin} switches
 * everything on, {@link org.tilekv.spark.KvGenerate} generates text for a column, {@link
 * org.tilekv.spark.TileKv} shows what the executors hold and have done. May use all packages.
 *
 * <p>On the driver {@code TileKvDriver} settles the configuration and runs the coordinator. On each
 * executor {@code TileKvExecutor} owns the models ({@code ExecutorRuntimes}) and reports to the
 * driver ({@code DriverLink}). A job is a {@code ShardedRdd}, which knows where partitions should
 * run, and a {@code GeneratePartition} per task, which borrows a model and keeps rows in flight
 * ({@code GeneratedRows}).
 */
@NullMarked
package org.tilekv.spark;

import org.jspecify.annotations.NullMarked;
