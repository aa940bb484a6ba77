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
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of the disk tier's files: {@code tilekv-<namespace>-<n>/} with {@code lock}, {@code
 * order.tkv} and {@code segment-<number>.tkv} in it.
 */
final class DiskNames {
  static final String TEMPORARY = ".tmp";
  static final String LOCK = "lock";
  static final String ORDER = "order.tkv";

  private static final int NAMESPACE_BYTES = 8;
  private static final Pattern OWN = Pattern.compile("tilekv-[0-9a-f]{16}-[0-9]{1,4}");
  private static final Pattern SEGMENT = Pattern.compile("segment-([0-9]{8})\\.tkv");

  private DiskNames() {}

  /** The n-th subdirectory of a namespace. */
  static Path subdirectory(Path directory, byte[] namespace, int n) {
    String hex = HexFormat.of().formatHex(namespace, 0, NAMESPACE_BYTES);
    return directory.resolve("tilekv-" + hex + "-" + n);
  }

  /** Whether a name is one of a disk tier's subdirectories, of any namespace. */
  static boolean isSubdirectory(Path path) {
    return OWN.matcher(name(path)).matches();
  }

  static Path segment(Path subdirectory, int number) {
    return subdirectory.resolve("segment-%08d.tkv".formatted(number));
  }

  static OptionalInt segmentNumber(Path path) {
    Matcher matcher = SEGMENT.matcher(name(path));
    return matcher.matches()
        ? OptionalInt.of(Integer.parseInt(matcher.group(1)))
        : OptionalInt.empty();
  }

  static String name(Path path) {
    return String.valueOf(path.getFileName());
  }
}
