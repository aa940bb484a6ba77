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
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;

/**
 * A file of {@link RealStorage}. An interrupt of a reading or writing thread closes a {@link
 * FileChannel} for all: it is opened again, the call is repeated, and the thread stays interrupted.
 * Heap buffers go in pieces: the JDK copies them through direct memory, of which each thread keeps
 * as much as its largest piece.
 */
final class RealFile implements TierFile {
  private static final int HEAP_PIECE_BYTES = 256 << 10;

  private final Path path;
  private volatile FileChannel channel;
  private volatile boolean closed;

  RealFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  private interface Call<T> {
    T on(FileChannel channel) throws IOException;
  }

  private <T> T call(Call<T> call) throws IOException {
    boolean interrupted = false;
    try {
      while (true) {
        FileChannel current = channel;
        try {
          return call.on(current);
        } catch (ClosedChannelException e) {
          if (closed) {
            throw e;
          }
          interrupted |= Thread.interrupted();
          reopen(current);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized void reopen(FileChannel lost) throws IOException {
    if (closed) {
      throw new ClosedChannelException();
    }
    if (channel == lost) {
      channel = FileChannel.open(path, RealStorage.EXISTING);
    }
  }

  @Override
  public void read(ByteBuffer dst, long position) throws IOException {
    long at = position;
    while (dst.hasRemaining()) {
      long from = at;
      int read = call(channel -> channel.read(piece(dst), from));
      if (read < 0) {
        throw new EOFException(path + " ends before " + at);
      }
      dst.position(dst.position() + read);
      at += read;
    }
  }

  @Override
  public void write(ByteBuffer src, long position) throws IOException {
    long at = position;
    while (src.hasRemaining()) {
      long to = at;
      int written = call(channel -> channel.write(piece(src), to));
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
    return call(FileChannel::size);
  }

  @Override
  public void force() throws IOException {
    call(
        channel -> {
          channel.force(true);
          return true;
        });
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
  public synchronized void close() throws IOException {
    closed = true;
    channel.close();
  }
}
