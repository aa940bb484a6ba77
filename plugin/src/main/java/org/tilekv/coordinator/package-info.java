/**
 * The driver's side, free of Spark: who is there, where each shard should run, who holds which
 * tiles. Entry on the driver: {@link org.tilekv.coordinator.Coordinator}, which takes and gives
 * bytes; on an executor: {@link org.tilekv.coordinator.ExecutorReporter}.
 *
 * <ul>
 *   <li>{@link org.tilekv.coordinator.Messages}: what both say to each other, as {@code byte[]}.
 *   <li>{@link org.tilekv.coordinator.ShardMap}: shard to executor, one snapshot per epoch; {@code
 *       ShardPlacer} computes the next one.
 *   <li>{@code PrefixDirectory}: which executors say that they hold a tile.
 * </ul>
 *
 * <p>Nothing here decides about correctness: an assignment and the directory say where tiles are
 * likely to be, and whoever finds none there computes them. Planning a job's rows (counting shared
 * prefixes, cutting them into groups) belongs here too, on top of the directory and the shard map.
 *
 * <p>May use the root package, {@code config} and {@code prefix}.
 */
@NullMarked
package org.tilekv.coordinator;

import org.jspecify.annotations.NullMarked;
