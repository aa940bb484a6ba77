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
package org.tilekv.llm;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Maps the tensors of one safetensors file. The file itself is open during the call only: a mapping
 * outlives its channel, and unlike a channel it is not closed by an interrupt of a reading thread.
 */
final class SafetensorsFile {

  /** Largest mapping; a multiple of every element size, so that no element is cut. */
  static final int PIECE_BYTES = 1 << 30;

  /** Receives the mapped tensors of a file. */
  interface Sink {
    void accept(SafetensorsHeader.Entry entry, ByteBuffer[] pieces);
  }

  private SafetensorsFile() {}

  /** Checks the file's header and maps every tensor, in pieces of {@link #PIECE_BYTES}. */
  static void map(Path file, Sink sink) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      int headerBytes = headerBytes(file, channel, size);
      long data = Long.BYTES + (long) headerBytes;
      byte[] json = read(channel, Long.BYTES, headerBytes).array();
      for (SafetensorsHeader.Entry entry :
          SafetensorsHeader.parse(json, file.toString(), size - data).entries()) {
        sink.accept(entry, pieces(channel, data + entry.begin(), entry.bytes()));
      }
    } catch (IOException e) {
      throw new InvalidModelException("cannot read " + file + ": " + e, e);
    }
  }

  private static int headerBytes(Path file, FileChannel channel, long size) throws IOException {
    if (size < Long.BYTES) {
      throw new InvalidModelException(
          file + " has " + size + " bytes; a safetensors file begins with a header length of 8");
    }
    long length = read(channel, 0, Long.BYTES).getLong();
    if (length < 0 || length > SafetensorsHeader.MAX_HEADER_BYTES || length > size - Long.BYTES) {
      throw new InvalidModelException(
          file
              + " asks for a header of "
              + Long.toUnsignedString(length)
              + " bytes; the file has "
              + (size - Long.BYTES)
              + " after the length, and at most "
              + SafetensorsHeader.MAX_HEADER_BYTES
              + " are allowed");
    }
    return (int) length;
  }

  private static ByteBuffer read(FileChannel channel, long at, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, at + buffer.position()) < 0) {
        throw new EOFException("the file became shorter while it was read");
      }
    }
    return buffer.flip();
  }

  private static ByteBuffer[] pieces(FileChannel channel, long at, long bytes) throws IOException {
    int count = Math.toIntExact((bytes + PIECE_BYTES - 1) / PIECE_BYTES);
    ByteBuffer[] pieces = new ByteBuffer[count];
    for (int i = 0; i < count; i++) {
      long from = (long) i * PIECE_BYTES;
      long length = Math.min(PIECE_BYTES, bytes - from);
      pieces[i] = channel.map(MapMode.READ_ONLY, at + from, length).order(ByteOrder.LITTLE_ENDIAN);
    }
    return pieces;
  }
}
