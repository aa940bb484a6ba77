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

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/** Counts what is open on one device, and with it in the whole process. Thread-safe. */
final class ResourceCounters {
  /** What is counted by number; memory is counted by tag and bytes. */
  enum Kind {
    STREAM,
    EVENT,
    MODULE,
    GRAPH,
    LIBRARY_HANDLE
  }

  /** Of all devices together. */
  static final ResourceCounters PROCESS = new ResourceCounters(null);

  private final @Nullable ResourceCounters parent;
  private final ConcurrentHashMap<String, Long> deviceBytes = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, Long> pinnedBytes = new ConcurrentHashMap<>();
  private final AtomicIntegerArray open = new AtomicIntegerArray(Kind.values().length);

  ResourceCounters() {
    this(PROCESS);
  }

  private ResourceCounters(@Nullable ResourceCounters parent) {
    this.parent = parent;
  }

  void add(Kind kind, int change) {
    open.addAndGet(kind.ordinal(), change);
    if (parent != null) {
      parent.add(kind, change);
    }
  }

  void addDeviceBytes(String tag, long change) {
    add(deviceBytes, tag, change);
    if (parent != null) {
      parent.addDeviceBytes(tag, change);
    }
  }

  void addPinnedBytes(String tag, long change) {
    add(pinnedBytes, tag, change);
    if (parent != null) {
      parent.addPinnedBytes(tag, change);
    }
  }

  CudaUsage snapshot() {
    return new CudaUsage(
        copy(deviceBytes),
        copy(pinnedBytes),
        open.get(Kind.STREAM.ordinal()),
        open.get(Kind.EVENT.ordinal()),
        open.get(Kind.MODULE.ordinal()),
        open.get(Kind.GRAPH.ordinal()),
        open.get(Kind.LIBRARY_HANDLE.ordinal()));
  }

  private static void add(Map<String, Long> bytes, String tag, long change) {
    bytes.merge(tag, change, (a, b) -> a + b == 0 ? null : a + b);
  }

  private static Map<String, Long> copy(Map<String, Long> bytes) {
    return new TreeMap<>(bytes);
  }
}
