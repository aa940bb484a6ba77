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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.tilekv.OpenedResources;

/**
 * Many copies of one size by the device's copy engines, in few calls of the driver. An engine takes
 * a while to begin a copy, so that small ones go over several streams, which come behind the
 * caller's and before what it queues next. Used by one thread at a time.
 */
final class BatchedCopies implements AutoCloseable {

  // Of one call; streams get calls in turn, so that all are busy soon.
  private static final int BYTES_AT_ONCE = 4 << 20;
  private static final int MAX_COPIES = 64;
  private static final int MOST_LANES = 16;
  private static final int LEAST_LANES = 4;
  // Under way at once, over all lanes.
  private static final int BYTES_UNDER_WAY = 512 << 10;

  // CUmemcpyAttributes: order, two locations, flags; the source is read in the stream's order.
  private static final int ATTRIBUTE_BYTES = 24;
  private static final int SOURCE_IN_STREAM_ORDER = 1;

  private final CudaDevice device;
  private final OpenedResources opened = new OpenedResources();
  private final List<Lane> lanes = new ArrayList<>();
  private final CudaEvent begin;
  private final Words targets = new Words(MAX_COPIES);
  private final Words sources = new Words(MAX_COPIES);
  private final Words sizes = new Words(MAX_COPIES);
  private final Words attributes = new Words(ATTRIBUTE_BYTES / Long.BYTES + 2);
  private int sizeOfAll;

  /** Makes streams when they are first needed. */
  BatchedCopies(CudaDevice device) {
    this.device = device;
    begin = opened.add(device.createEvent(false));
    attributes.buffer.putInt(0, SOURCE_IN_STREAM_ORDER);
  }

  /** A list that the driver reads. */
  private static final class Words {
    private final ByteBuffer buffer;
    private final long address;

    Words(int count) {
      buffer = ByteBuffer.allocateDirect(count * Long.BYTES).order(ByteOrder.nativeOrder());
      address = Cuda.addressOf(buffer);
    }

    void set(int index, long value) {
      buffer.putLong(index * Long.BYTES, value);
    }
  }

  private record Lane(CudaStream stream, CudaEvent end) {}

  /** Whether the driver can do this. */
  static boolean available() {
    return BatchCopyCalls.AVAILABLE;
  }

  /** Copies {@code bytes} from each address to the one in its place, in the order of a stream. */
  void copy(CudaStream stream, long[] from, long[] to, int count, int bytes) {
    int atOnce = Math.max(1, Math.min(MAX_COPIES, BYTES_AT_ONCE / bytes));
    int wanted = Math.max(LEAST_LANES, Math.min(MOST_LANES, BYTES_UNDER_WAY / bytes));
    int used = Math.min(wanted, (count + atOnce - 1) / atOnce);
    if (used == 1) {
      copySome(stream, from, to, 0, count, bytes);
      return;
    }
    begin(stream, used);
    try {
      for (int at = 0, lane = 0; at < count; at += atOnce, lane = (lane + 1) % used) {
        CudaStream of = lanes.get(lane).stream;
        copySome(of, from, to, at, Math.min(atOnce, count - at), bytes);
      }
    } finally {
      end(stream, used);
    }
  }

  /** Lets so many lanes wait for what is queued on the stream so far. */
  private void begin(CudaStream stream, int used) {
    while (lanes.size() < used) {
      lanes.add(new Lane(opened.add(device.createStream()), opened.add(device.createEvent(false))));
    }
    stream.record(begin);
    for (int i = 0; i < used; i++) {
      lanes.get(i).stream.waitFor(begin);
    }
  }

  /** Lets the stream wait for what the lanes have queued, all of it or some. */
  private void end(CudaStream stream, int used) {
    for (int i = 0; i < used; i++) {
      lanes.get(i).stream.record(lanes.get(i).end);
      stream.waitFor(lanes.get(i).end);
    }
  }

  /** The driver has read its lists when it returns. */
  private void copySome(
      CudaStream stream, long[] from, long[] to, int first, int count, int bytes) {
    for (int i = 0; i < count; i++) {
      sources.set(i, from[first + i]);
      targets.set(i, to[first + i]);
    }
    if (bytes != sizeOfAll) {
      for (int i = 0; i < MAX_COPIES; i++) {
        sizes.set(i, bytes);
      }
      sizeOfAll = bytes;
    }
    CudaErrors.check(
        BatchCopyCalls.cuMemcpyBatchAsync(
            targets.address,
            sources.address,
            sizes.address,
            count,
            attributes.address,
            attributes.address + ATTRIBUTE_BYTES,
            1,
            attributes.address + ATTRIBUTE_BYTES + Long.BYTES,
            stream.address()),
        "cuMemcpyBatchAsync");
  }

  @Override
  public void close() {
    opened.close();
  }
}
