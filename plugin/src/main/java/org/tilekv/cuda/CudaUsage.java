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

/**
 * What is open on one device, or on all of a process: a snapshot.
 *
 * @param deviceBytes bytes of device memory by tag; tags with none are left out
 * @param pinnedBytes bytes of pinned host memory by tag; tags with none are left out
 * @param streams open streams
 * @param events open events
 * @param modules open modules
 * @param graphs open graphs
 * @param libraryHandles open handles of cuBLAS and plans of cublasLt
 */
public record CudaUsage(
    Map<String, Long> deviceBytes,
    Map<String, Long> pinnedBytes,
    int streams,
    int events,
    int modules,
    int graphs,
    int libraryHandles) {

  public CudaUsage {
    deviceBytes = Map.copyOf(deviceBytes);
    pinnedBytes = Map.copyOf(pinnedBytes);
  }

  /** True if nothing is open. */
  public boolean isEmpty() {
    return deviceBytes.isEmpty()
        && pinnedBytes.isEmpty()
        && streams + events + modules + graphs + libraryHandles == 0;
  }

  /** Bytes of device memory, all tags together. */
  public long totalDeviceBytes() {
    return deviceBytes.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Bytes of pinned host memory, all tags together. */
  public long totalPinnedBytes() {
    return pinnedBytes.values().stream().mapToLong(Long::longValue).sum();
  }

  @Override
  public String toString() {
    return "device bytes "
        + new TreeMap<>(deviceBytes)
        + ", pinned bytes "
        + new TreeMap<>(pinnedBytes)
        + ", streams "
        + streams
        + ", events "
        + events
        + ", modules "
        + modules
        + ", graphs "
        + graphs
        + ", library handles "
        + libraryHandles;
  }
}
