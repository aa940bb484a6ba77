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
package org.tilekv.cuda;

import java.util.concurrent.atomic.AtomicBoolean;

/** Something open on a device that is closed once, from any thread; closing again does nothing. */
abstract class CudaResource implements AutoCloseable {
  final CudaDevice device;
  private final AtomicBoolean closed = new AtomicBoolean();

  CudaResource(CudaDevice device) {
    this.device = device;
  }

  /** Gives the native object back and corrects the counters; the device is current. */
  abstract void release();

  @Override
  public final void close() {
    if (closed.compareAndSet(false, true)) {
      device.makeCurrent();
      release();
    }
  }

  final void requireOpen() {
    if (closed.get()) {
      throw new IllegalStateException(this + " is closed");
    }
  }
}
