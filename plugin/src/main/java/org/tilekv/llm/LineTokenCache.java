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
package org.tilekv.llm;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Remembers the tokens of lines that come more than once, up to a limit of bytes. Two generations:
 * what is kept or found goes to the young one; when that is full it becomes the old one, and the
 * old one is forgotten. So a line that comes again within the limit stays and one that does not
 * goes, without a lock where lines are found. Of lines that came once there is a hash. Thread-safe.
 */
final class LineTokenCache {

  /** About what an entry takes beside its characters and tokens. */
  private static final int ENTRY_BYTES = 112;

  private static final int HASHES = 1 << 16;

  private final long generationBytes;

  /** Of lines that came, each at the place it gives itself. */
  private final int[] hashes = new int[HASHES];

  private volatile Generation young = new Generation();
  private volatile Generation old = new Generation();

  private static final class Generation {

    final ConcurrentMap<String, int[]> lines = new ConcurrentHashMap<>();
    final AtomicLong bytes = new AtomicLong();
  }

  /**
   * @param limitBytes for both generations; the last lines put into one may go beyond its half
   */
  LineTokenCache(long limitBytes) {
    this.generationBytes = limitBytes / 2;
  }

  /**
   * The tokens of a line, which are not to be changed. A line that comes for the second time is
   * encoded and kept, unless it would take more than an eighth of a generation.
   *
   * @return null for a line that is new, as far as is remembered
   */
  int @Nullable [] get(String line, Function<String, int[]> encoder) {
    int[] tokens = young.lines.get(line);
    if (tokens != null) {
      return tokens;
    }
    tokens = old.lines.get(line);
    if (tokens == null && cameBefore(line.hashCode())) {
      tokens = encoder.apply(line);
    }
    if (tokens != null) {
      put(line, tokens);
    }
    return tokens;
  }

  /** Racing threads can make a line new once more, or two lines of one hash the same: no matter. */
  private boolean cameBefore(int hash) {
    int place = (hash ^ hash >>> 16) & hashes.length - 1;
    boolean came = hashes[place] == hash;
    hashes[place] = hash;
    return came;
  }

  private void put(String line, int[] tokens) {
    long bytes = ENTRY_BYTES + 2L * line.length() + 4L * tokens.length;
    Generation generation = young;
    if (bytes <= generationBytes / 8
        && generation.lines.putIfAbsent(line, tokens) == null
        && generation.bytes.addAndGet(bytes) >= generationBytes) {
      age(generation);
    }
  }

  private synchronized void age(Generation full) {
    if (young == full) {
      old = full;
      young = new Generation();
    }
  }

  /** Bytes counted for the lines that are kept now. */
  long bytes() {
    return young.bytes.get() + old.bytes.get();
  }
}
