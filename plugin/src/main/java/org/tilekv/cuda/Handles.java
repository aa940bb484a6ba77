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

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;

/** JCuda handles whose raw value can be read, for the calls that do not go through JCuda. */
final class Handles {
  private Handles() {}

  static final class Stream extends CUstream {
    long raw() {
      return getNativePointer();
    }
  }

  static final class Function extends CUfunction {
    long raw() {
      return getNativePointer();
    }
  }

  static final class DeviceAddress extends CUdeviceptr {
    long raw() {
      return getNativePointer() + getByteOffset();
    }
  }

  static final class HostAddress extends Pointer {
    long raw() {
      return getNativePointer() + getByteOffset();
    }
  }
}
