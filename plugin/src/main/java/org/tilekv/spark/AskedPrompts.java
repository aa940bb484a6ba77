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

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tilekv.SequenceRequest;

/**
 * The prompts that others were asked for a short time ago, so that a row that waits does not ask
 * again. Two prompts of one hash cost a hint. Thread-safe.
 */
final class AskedPrompts {

  static final long MEMORY_NS = 2_000_000_000L;
  static final int MOST = 4096;

  private final LongSupplier nanoClock;
  private final Map<Key, Asked> asked = new LinkedHashMap<>();

  private record Key(int hash, int length, @Nullable String salt) {}

  private record Asked(CompletableFuture<Void> done, long atNs) {}

  AskedPrompts(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
  }

  private static Key key(SequenceRequest request) {
    int[] prompt = request.prompt();
    return new Key(Arrays.hashCode(prompt), prompt.length, request.salt());
  }

  /** What came, or will come, of asking for this prompt; null where nobody was asked of late. */
  synchronized @Nullable CompletableFuture<Void> find(SequenceRequest request) {
    Asked known = asked.get(key(request));
    boolean old =
        known != null && known.done().isDone() && nanoClock.getAsLong() - known.atNs() > MEMORY_NS;
    return known == null || old ? null : known.done();
  }

  /** Remembers that others are asked now. */
  synchronized void put(SequenceRequest request, CompletableFuture<Void> done) {
    Key key = key(request);
    asked.remove(key);
    asked.put(key, new Asked(done, nanoClock.getAsLong()));
    if (asked.size() > MOST) {
      var oldest = asked.entrySet().iterator();
      oldest.next();
      oldest.remove();
    }
  }
}
