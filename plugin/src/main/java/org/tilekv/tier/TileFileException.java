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
package org.tilekv.tier;

import java.nio.file.Path;
import org.tilekv.TileKvException;

/** A tile file was refused as a whole. Nothing of it was used; delete it and recompute. */
public final class TileFileException extends TileKvException {
  private static final long serialVersionUID = 1L;

  /** Why a file was refused. */
  public enum Reason {
    /** Not a tile file, or not of the kind wanted. */
    FOREIGN,
    /** A format version that this build does not read. */
    VERSION,
    /** Too short, too long, or without a readable footer: the writer did not finish. */
    TRUNCATED,
    /** Its structure (header, a tile's name, checksums) is damaged. */
    CORRUPT,
    /** Tiles of another model, adapter or tenant. */
    NAMESPACE,
    /** Tiles of another shape or dtype, or of other heads. */
    GEOMETRY
  }

  private final Reason reason;

  TileFileException(Reason reason, Path file, String thing, Object found, Object allowed) {
    super("tile file " + file + ": " + thing + " is " + found + "; allowed is " + allowed);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
