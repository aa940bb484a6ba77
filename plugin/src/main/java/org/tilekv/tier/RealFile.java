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
package org.tilekv.tier;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;

/**
 * A file of {@link RealStorage}. Heap buffers go in pieces: the JDK copies them through direct
 * memory, of which each thread keeps as much as its largest piece.
 */
final class RealFile implements TierFile {
  private static final int HEAP_PIECE_BYTES = 256 << 10;

  private final FileChannel channel;

  RealFile(FileChannel channel) {
    this.channel = channel;
  }

  @Override
  public void read(ByteBuffer dst, long position) throws IOException {
    long at = position;
    while (dst.hasRemaining()) {
      ByteBuffer piece = piece(dst);
      int read = channel.read(piece, at);
      if (read < 0) {
        throw new EOFException("the file ends at " + channel.size() + ", before " + at);
      }
      dst.position(dst.position() + read);
      at += read;
    }
  }

  @Override
  public void write(ByteBuffer src, long position) throws IOException {
    long at = position;
    while (src.hasRemaining()) {
      int written = channel.write(piece(src), at);
      src.position(src.position() + written);
      at += written;
    }
  }

  private static ByteBuffer piece(ByteBuffer buffer) {
    int bytes = buffer.remaining();
    return buffer.slice(
        buffer.position(), buffer.isDirect() ? bytes : Math.min(bytes, HEAP_PIECE_BYTES));
  }

  @Override
  public long size() throws IOException {
    return channel.size();
  }

  @Override
  public void force() throws IOException {
    channel.force(true);
  }

  @Override
  public boolean tryLock() throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
