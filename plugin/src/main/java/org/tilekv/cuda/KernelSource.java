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

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Source of a kernel module, with the headers of the jar that it includes.
 *
 * @param text the .cu file
 * @param headers text by the name that {@code #include "..."} gives
 */
record KernelSource(String text, Map<String, String> headers) {
  private static final String FOLDER = "kernels/";
  private static final Pattern INCLUDE =
      Pattern.compile("^\\s*#\\s*include\\s*\"([^\"]+)\"", Pattern.MULTILINE);

  /** Reads NAME.cu and what it includes; null if the jar does not have it. */
  static @Nullable KernelSource find(String name) {
    byte[] source = resource(name + ".cu");
    if (source == null) {
      return null;
    }
    return of(new String(source, StandardCharsets.UTF_8));
  }

  /** A source with what it includes of the jar. */
  static KernelSource of(String text) {
    Map<String, String> headers = new TreeMap<>();
    Deque<String> unread = new ArrayDeque<>();
    unread.add(text);
    while (!unread.isEmpty()) {
      Matcher include = INCLUDE.matcher(unread.remove());
      while (include.find()) {
        byte[] header = resource("include/" + include.group(1));
        if (header != null && !headers.containsKey(include.group(1))) {
          String headerText = new String(header, StandardCharsets.UTF_8);
          headers.put(include.group(1), headerText);
          unread.add(headerText);
        }
      }
    }
    return new KernelSource(text, headers);
  }

  /** A file beside the compiled kernels; null if the jar does not have it. */
  static byte @Nullable [] resource(String path) {
    try (InputStream in = KernelSource.class.getResourceAsStream(FOLDER + path)) {
      return in == null ? null : in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read kernel resource " + path, e);
    }
  }
}
