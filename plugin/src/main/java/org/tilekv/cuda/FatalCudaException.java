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

import org.tilekv.ProcessFatal;

/**
 * The context is broken: every later call of this process on the device fails with the same error.
 * The process must be replaced.
 */
public final class FatalCudaException extends CudaException implements ProcessFatal {
  private static final long serialVersionUID = 1L;

  FatalCudaException(int code, String errorName, String call, String detail) {
    super(code, errorName, call, detail);
  }
}
