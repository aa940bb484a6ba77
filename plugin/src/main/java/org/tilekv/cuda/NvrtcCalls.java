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

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.StringArray;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.List;

/** NVRTC by JNA. The result is an nvrtcResult. */
final class NvrtcCalls {
  static final UserLibrary LIBRARY =
      new UserLibrary("NVRTC", List.of("libnvrtc.so.13", "libnvrtc.so.12"), "tilekv.nvrtc.path");

  private NvrtcCalls() {}

  static void register() {
    Native.register(NvrtcCalls.class, LIBRARY.load());
  }

  static native int nvrtcCreateProgram(
      PointerByReference out,
      String source,
      String name,
      int headers,
      StringArray sources,
      StringArray names);

  static native int nvrtcDestroyProgram(PointerByReference program);

  static native int nvrtcCompileProgram(Pointer program, int count, StringArray options);

  static native int nvrtcGetCUBINSize(Pointer program, LongByReference out);

  static native int nvrtcGetCUBIN(Pointer program, byte[] out);

  static native int nvrtcGetPTXSize(Pointer program, LongByReference out);

  static native int nvrtcGetPTX(Pointer program, byte[] out);

  static native int nvrtcGetProgramLogSize(Pointer program, LongByReference out);

  static native int nvrtcGetProgramLog(Pointer program, byte[] out);

  static native String nvrtcGetErrorString(int result);
}
