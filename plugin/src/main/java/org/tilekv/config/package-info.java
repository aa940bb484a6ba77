/**
 * Every setting, declared once with key, type, unit, default, check and documentation. Entry:
 * {@link org.tilekv.config.TileKvConfig}, which parses and settles a configuration; {@link
 * org.tilekv.config.Settings} is the registry. {@code docs/configuration.md} is generated from it
 * by a test. May use the root package.
 */
@NullMarked
package org.tilekv.config;

import org.jspecify.annotations.NullMarked;
