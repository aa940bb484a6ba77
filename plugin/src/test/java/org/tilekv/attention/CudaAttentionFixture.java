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
package org.tilekv.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.tilekv.KvDtype;
import org.tilekv.OpenedResources;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.CudaUsage;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.DeviceTiles;
import org.tilekv.cuda.KernelModules;

/**
 * The pages of an {@link AttentionFixture} on a device. Closing it checks that nothing is left
 * open.
 */
final class CudaAttentionFixture implements AutoCloseable {

  private static final int ITEM_INTS = 4;
  private static final int MAX_ROWS = 8;

  final CudaDevice device = CudaDevice.open(0);
  private final OpenedResources opened = new OpenedResources();
  final KernelModules kernels = opened.add(new KernelModules(device));
  final CudaStream stream = opened.add(device.createStream());
  final CudaKvMemory memory;
  private final AttentionFixture host;
  private final KvDtype dtype;

  CudaAttentionFixture(AttentionFixture host) {
    this.host = host;
    TileGeometry geometry = host.geometry;
    dtype = geometry.dtype();
    TileArena arena = host.memory.arena();
    DeviceTiles tiles =
        opened.add(new DeviceTiles(device, kernels, stream, geometry, arena.pages()));
    CudaPageTable table =
        opened.add(new CudaPageTable(device, kernels, stream, host.memory.table()));
    memory = new CudaKvMemory(table, tiles);
    table.sync();
    ByteBuffer page = direct(geometry.tileBytes());
    for (int i = 0; i < arena.pages(); i++) {
      read(arena, i, page);
      stream.copyToDevice(
          tiles.address() + (long) i * geometry.tileBytes(),
          Cuda.addressOf(page),
          geometry.tileBytes());
    }
    stream.synchronize();
  }

  CudaPagedAttention best() {
    return CudaPagedAttention.open(device, stream, kernels, memory, host.queryHeads, MAX_ROWS);
  }

  CudaPagedAttention portable() {
    return CudaPagedAttention.portable(kernels, memory, host.queryHeads);
  }

  /**
   * Attends from the tokens of the segments: {@code [tokens, queryHeads * headDim]}.
   *
   * @param q {@code [tokens, qStride]}
   * @param itemTokens most tokens of a work item
   */
  float[] attend(
      CudaPagedAttention attention,
      int window,
      Segments segments,
      float[] q,
      int qStride,
      int itemTokens) {
    int width = host.outWidth();
    ByteBuffer items = items(segments, itemTokens);
    int count = items.capacity() / (ITEM_INTS * Integer.BYTES);
    try (DeviceMemory deviceQ = upload(encode(q));
        DeviceMemory deviceItems = upload(items);
        DeviceMemory out = upload(direct(segments.tokens() * width * dtype.bytes()))) {
      attention.attend(
          stream,
          AttentionFixture.LAYER,
          window,
          deviceQ.address(),
          qStride,
          out.address(),
          deviceItems.address(),
          count);
      ByteBuffer result = direct(Math.toIntExact(out.bytes()));
      stream.copyToHost(Cuda.addressOf(result), out.address(), out.bytes());
      stream.synchronize();
      return decode(result, segments.tokens() * width);
    }
  }

  /** Items of all segments, and an empty one as in a padded graph. */
  private static ByteBuffer items(Segments segments, int itemTokens) {
    int count = 1;
    for (int s = 0; s < segments.size(); s++) {
      count += (segments.count(s) + itemTokens - 1) / itemTokens;
    }
    ByteBuffer items = direct(count * ITEM_INTS * Integer.BYTES);
    for (int s = 0; s < segments.size(); s++) {
      for (int i = 0; i < segments.count(s); i += itemTokens) {
        items.putInt(segments.row(s)).putInt(segments.start(s) + i);
        items.putInt(segments.offset(s) + i);
        items.putInt(Math.min(itemTokens, segments.count(s) - i));
      }
    }
    return items;
  }

  private DeviceMemory upload(ByteBuffer bytes) {
    DeviceMemory memory = device.allocate(bytes.capacity(), "test");
    stream.copyToDevice(memory.address(), Cuda.addressOf(bytes), bytes.capacity());
    stream.synchronize();
    return memory;
  }

  private ByteBuffer encode(float[] values) {
    ByteBuffer bytes = direct(values.length * dtype.bytes());
    for (int i = 0; i < values.length; i++) {
      switch (dtype) {
        case FLOAT32 -> bytes.putFloat(Float.BYTES * i, values[i]);
        case FLOAT16 -> bytes.putShort(Short.BYTES * i, Fp16.fromFloat(values[i]));
        case BFLOAT16 -> bytes.putShort(Short.BYTES * i, Bf16.fromFloat(values[i]));
        case INT8 -> throw new IllegalArgumentException();
      }
    }
    return bytes;
  }

  private float[] decode(ByteBuffer bytes, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          switch (dtype) {
            case FLOAT32 -> bytes.getFloat(Float.BYTES * i);
            case FLOAT16 -> Fp16.toFloat(bytes.getShort(Short.BYTES * i));
            case BFLOAT16 -> Bf16.toFloat(bytes.getShort(Short.BYTES * i));
            case INT8 -> throw new IllegalArgumentException();
          };
    }
    return values;
  }

  /** As the device holds them. */
  float[] rounded(float[] values) {
    return decode(encode(values), values.length);
  }

  private void read(TileArena arena, int page, ByteBuffer to) {
    int base = arena.base(page);
    int elements = host.geometry.tileElements();
    if (dtype == KvDtype.FLOAT32) {
      to.asFloatBuffer().put(arena.floats(page), base, elements);
    } else {
      to.asShortBuffer().put(arena.shorts(page), base, elements);
    }
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    opened.close();
    assertThat(device.usage()).matches(CudaUsage::isEmpty, "nothing is open");
    device.close();
  }
}
