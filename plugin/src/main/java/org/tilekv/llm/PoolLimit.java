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

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.cuda.CudaOutOfMemoryException;

/**
 * Upper limit of a pool while a model is opened. What is free may be gone when it is asked for:
 * several processes can start on one device. So each try that finds no memory is followed by a
 * smaller one, and the last by a refusal. Used by one thread.
 */
final class PoolLimit {

  private static final Logger LOG = LoggerFactory.getLogger(PoolLimit.class);
  private static final int MOST_TRIES = 5;

  private long bytes = Long.MAX_VALUE;
  private long triedBytes;
  private int tries;

  long bytes() {
    return bytes;
  }

  /** A pool of that size is being made. */
  void tried(long poolBytes) {
    triedBytes = poolBytes;
  }

  /**
   * Lowers the limit to three quarters of the last try.
   *
   * @throws DeviceUnavailableException after too many tries
   */
  void lower(CudaOutOfMemoryException why) {
    tries++;
    if (tries == MOST_TRIES || triedBytes == 0) {
      throw new DeviceUnavailableException(
          "the device has no room for the model, not even with a pool of "
              + triedBytes
              + " bytes: "
              + why.getMessage(),
          why);
    }
    bytes = triedBytes / 4 * 3;
    triedBytes = 0;
    LOG.warn(
        "others have taken device memory meanwhile; trying again with a pool of at most {} bytes: {}",
        bytes,
        why.getMessage());
  }
}
