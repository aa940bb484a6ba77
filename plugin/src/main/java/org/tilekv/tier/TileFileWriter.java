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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.tilekv.TileGeometry;

/**
 * Writes one tile file ({@code docs/tile-file-format.md}): tiles are appended to a temporary file
 * in the target's directory, readable by its owner only; {@link #commit} syncs it and gives it its
 * name, replacing an older file of that name. Closed without a commit, nothing remains. Confined to
 * one thread.
 *
 * <pre>{@code
 * try (TileFileWriter writer = TileFileWriter.create(file, namespace, geometry)) {
 *   writer.append(key, tile);
 *   writer.commit();
 * }
 * }</pre>
 */
public final class TileFileWriter implements AutoCloseable {
  private static final FileAttribute<?>[] OWNER_ONLY = {
    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
  };

  private final Path target;
  private final Path temporary;
  private final FileChannel channel;
  private final TileFileHeader header;
  private final CRC32C chain;
  private final ByteBuffer record = TileFileHeader.littleEndian(TileFileRecord.BYTES);
  private long count;
  private boolean committed;

  private TileFileWriter(Path target, Path temporary, FileChannel channel, TileFileHeader header) {
    this.target = target;
    this.temporary = temporary;
    this.channel = channel;
    this.header = header;
    this.chain = TileFileRecord.seeded(header.checksum());
  }

  /**
   * Starts a file.
   *
   * @param namespace 32 bytes that name what the tiles belong to
   */
  public static TileFileWriter create(Path target, byte[] namespace, TileGeometry geometry)
      throws IOException {
    Namespaces.require(namespace);
    Path absolute = target.toAbsolutePath();
    Path temporary =
        absolute.resolveSibling("." + absolute.getFileName() + "." + UUID.randomUUID() + ".tmp");
    TileFileHeader header = TileFileHeader.of(namespace.clone(), geometry);
    FileChannel channel = open(temporary);
    TileFileWriter writer = new TileFileWriter(absolute, temporary, channel, header);
    try {
      writer.write(header.encode());
      return writer;
    } catch (IOException | RuntimeException e) {
      writer.close();
      throw e;
    }
  }

  private static FileChannel open(Path temporary) throws IOException {
    FileAttribute<?>[] attributes =
        temporary.getFileSystem().supportedFileAttributeViews().contains("posix")
            ? OWNER_ONLY
            : new FileAttribute<?>[0];
    return FileChannel.open(
        temporary, EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes);
  }

  /**
   * Appends one tile: {@code geometry.tileBytes()} bytes between the buffer's position and limit,
   * which stay where they are. Read twice: the bytes must not change meanwhile.
   */
  public void append(TileKey key, ByteBuffer tile) throws IOException {
    int tileBytes = header.geometry().tileBytes();
    if (tile.remaining() != tileBytes) {
      throw new IllegalArgumentException(
          "tile " + key + " has " + tile.remaining() + " bytes; it must have " + tileBytes);
    }
    TileFileRecord.encode(record, key, tile, header.checksum());
    TileFileRecord.chain(chain, record);
    write(record, tile.duplicate());
    count++;
  }

  /** Completes the file: once this returns it is on disk under its name. */
  public void commit() throws IOException {
    ByteBuffer footer = TileFileHeader.littleEndian(TileFileRecord.FOOTER_BYTES);
    long fileBytes = channel.position() + TileFileRecord.FOOTER_BYTES;
    TileFileRecord.encodeFooter(
        footer, count, fileBytes, (int) chain.getValue(), header.checksum());
    write(footer);
    channel.force(true);
    channel.close();
    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    committed = true;
    syncDirectory();
  }

  // The rename is durable once the directory is; file systems that cannot open one sync it anyway.
  private void syncDirectory() {
    Path directory = target.getParent();
    if (directory != null) {
      try (FileChannel opened = FileChannel.open(directory, StandardOpenOption.READ)) {
        opened.force(true);
      } catch (IOException e) {
        return;
      }
    }
  }

  private void write(ByteBuffer... buffers) throws IOException {
    ByteBuffer last = buffers[buffers.length - 1];
    while (last.hasRemaining()) {
      channel.write(buffers);
    }
  }

  /** Ends writing; deletes the temporary file unless it was committed. */
  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      if (!committed) {
        Files.deleteIfExists(temporary);
      }
    }
  }
}
