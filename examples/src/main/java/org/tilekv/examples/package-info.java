/**
 * Runnable applications. Entry: {@link org.tilekv.examples.BatchInference}, which {@code
 * examples/run.sh} submits. Uses Spark and the plugin's public classes only.
 */
@NullMarked
package org.tilekv.examples;

import org.jspecify.annotations.NullMarked;
