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
package org.tilekv.spark;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;

/**
 * Records of bytes, many in one array: what a serialiser does for each object it takes costs more
 * than a small record. Both ways read no further than they have to. Confined to one thread.
 */
final class RecordChunks {

  /** A chunk is done with the record that reaches this size. */
  static final int CHUNK_BYTES = 1 << 17;

  private RecordChunks() {}

  static Iterator<byte[]> pack(Iterator<byte[]> records) {
    return new Iterator<>() {
      private ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES + (CHUNK_BYTES >> 3));

      @Override
      public boolean hasNext() {
        return records.hasNext();
      }

      @Override
      public byte[] next() {
        chunk.clear();
        do {
          put(records.next());
        } while (chunk.position() < CHUNK_BYTES && records.hasNext());
        return Arrays.copyOf(chunk.array(), chunk.position());
      }

      private void put(byte[] record) {
        int bytes = Integer.BYTES + record.length;
        if (chunk.remaining() < bytes) {
          byte[] larger = Arrays.copyOf(chunk.array(), chunk.position() + bytes);
          chunk = ByteBuffer.wrap(larger).position(chunk.position());
        }
        chunk.putInt(record.length).put(record);
      }
    };
  }

  static Iterator<byte[]> unpack(Iterator<byte[]> chunks) {
    return new Iterator<>() {
      private ByteBuffer chunk = ByteBuffer.allocate(0);

      @Override
      public boolean hasNext() {
        return chunk.hasRemaining() || chunks.hasNext();
      }

      @Override
      public byte[] next() {
        if (!chunk.hasRemaining()) {
          chunk = ByteBuffer.wrap(chunks.next());
        }
        byte[] record = new byte[chunk.getInt()];
        chunk.get(record);
        return record;
      }
    };
  }
}
