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

import com.sun.jna.Pointer;
import com.sun.jna.StringArray;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Compiles CUDA C++ on the node, where the CUDA toolkit's NVRTC is installed. Thread-safe; needs no
 * device.
 */
public final class Nvrtc {
  private Nvrtc() {}

  /** Loads the library once. */
  private static final class Loaded {
    static final @Nullable String REASON = load();

    private static @Nullable String load() {
      try {
        NvrtcCalls.register();
        return null;
      } catch (CudaUnavailableException | UnsatisfiedLinkError e) {
        return String.valueOf(e.getMessage());
      }
    }
  }

  /** Why NVRTC cannot be used here, or null if it can; never throws. */
  public static @Nullable String unavailableReason() {
    return Loaded.REASON;
  }

  /**
   * Compiles one source. The toolkit's own headers are found where they usually lie.
   *
   * @param name for messages, as a file name
   * @param source CUDA C++
   * @param headers text by the name that {@code #include} gives
   * @param arch sm_90 for machine code, compute_80 for PTX
   * @param options more of NVRTC's options
   * @return a cubin or PTX text
   * @throws CudaUnavailableException if there is no NVRTC on this node
   * @throws CudaException if the source does not compile; the message holds the compiler's
   */
  public static byte[] compile(
      String name, String source, Map<String, String> headers, String arch, List<String> options) {
    String reason = unavailableReason();
    if (reason != null) {
      throw new CudaUnavailableException(reason);
    }
    PointerByReference program = new PointerByReference();
    List<Map.Entry<String, String>> files = List.copyOf(headers.entrySet());
    StringArray texts = strings(files.stream().map(Map.Entry::getValue).toList());
    StringArray names = strings(files.stream().map(Map.Entry::getKey).toList());
    check(
        NvrtcCalls.nvrtcCreateProgram(program, source, name, files.size(), texts, names),
        "nvrtcCreateProgram",
        name);
    try {
      return compile(program.getValue(), name, arch, options(arch, options));
    } finally {
      NvrtcCalls.nvrtcDestroyProgram(program);
    }
  }

  private static byte[] compile(Pointer program, String name, String arch, List<String> options) {
    int result = NvrtcCalls.nvrtcCompileProgram(program, options.size(), strings(options));
    if (result != 0) {
      check(result, "compiling " + name, log(program));
    }
    LongByReference size = new LongByReference();
    boolean machineCode = arch.startsWith("sm_");
    check(
        machineCode
            ? NvrtcCalls.nvrtcGetCUBINSize(program, size)
            : NvrtcCalls.nvrtcGetPTXSize(program, size),
        "size of the compiled code",
        name);
    byte[] image = new byte[Math.toIntExact(size.getValue())];
    check(
        machineCode
            ? NvrtcCalls.nvrtcGetCUBIN(program, image)
            : NvrtcCalls.nvrtcGetPTX(program, image),
        "reading the compiled code",
        name);
    return image;
  }

  private static List<String> options(String arch, List<String> more) {
    List<String> options = new ArrayList<>();
    options.add("--gpu-architecture=" + arch);
    options.add("--std=c++17");
    for (Path folder : ToolkitFolders.includes()) {
      options.add("--include-path=" + folder);
    }
    options.addAll(more);
    return options;
  }

  private static String log(Pointer program) {
    LongByReference size = new LongByReference();
    if (NvrtcCalls.nvrtcGetProgramLogSize(program, size) != 0) {
      return "";
    }
    byte[] text = new byte[Math.toIntExact(size.getValue())];
    NvrtcCalls.nvrtcGetProgramLog(program, text);
    return new String(text, StandardCharsets.UTF_8).replace('\0', ' ').strip();
  }

  private static StringArray strings(List<String> values) {
    return new StringArray(values.toArray(String[]::new));
  }

  private static void check(int result, String call, String detail) {
    if (result != 0) {
      throw new CudaException(result, NvrtcCalls.nvrtcGetErrorString(result), call, detail);
    }
  }
}
