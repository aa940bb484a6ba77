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
package org.tilekv.cache;

import org.tilekv.HostAllocator;
import org.tilekv.tier.DirectAllocator;

/**
 * How tiles move between a cache's pool and a lower tier.
 *
 * @param stagingBytes most bytes of tiles that are on their way down; more are dropped
 * @param loadThreads threads that read tiles back
 * @param allocator memory of tiles on their way
 */
public record CacheTierOptions(long stagingBytes, int loadThreads, HostAllocator allocator) {

  private static final long STAGING_BYTES = 64L << 20;
  private static final int LOAD_THREADS = 2;

  /** 64 MiB of direct memory, two threads. */
  public static final CacheTierOptions DEFAULT =
      new CacheTierOptions(STAGING_BYTES, LOAD_THREADS, DirectAllocator.DIRECT);

  public CacheTierOptions {
    if (stagingBytes < 0) {
      throw new IllegalArgumentException(
          "stagingBytes is " + stagingBytes + "; it must be at least 0");
    }
    if (loadThreads < 1) {
      throw new IllegalArgumentException(
          "loadThreads is " + loadThreads + "; it must be at least 1");
    }
  }
}
