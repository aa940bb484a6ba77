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
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/** A file system in memory that counts what is open. */
final class MemoryStorage implements TierStorage {
  private final Map<Path, Content> files = new TreeMap<>();
  private final Map<Path, Long> directories = new TreeMap<>();
  private final LongSupplier clockMs;
  long freeBytes = 1L << 40;
  private int open;

  private static final class Content {
    byte[] bytes = new byte[0];
    long modifiedMs;
    boolean locked;
  }

  MemoryStorage(LongSupplier clockMs) {
    this.clockMs = clockMs;
  }

  /** Files not closed. */
  synchronized int openFiles() {
    return open;
  }

  /** Bytes of all files below a directory. */
  synchronized long bytesBelow(Path directory) {
    return files.entrySet().stream()
        .filter(file -> file.getKey().startsWith(directory))
        .mapToLong(file -> file.getValue().bytes.length)
        .sum();
  }

  synchronized List<Path> all() {
    return List.copyOf(files.keySet());
  }

  synchronized byte[] bytes(Path file) throws IOException {
    return content(file).bytes;
  }

  synchronized void replace(Path file, byte[] bytes) {
    Content content = files.computeIfAbsent(file, any -> new Content());
    content.bytes = bytes;
  }

  private Content content(Path file) throws IOException {
    Content content = files.get(file);
    if (content == null) {
      throw new NoSuchFileException(file.toString());
    }
    return content;
  }

  @Override
  public synchronized void createDirectories(Path directory) {
    for (Path each = directory; each != null; each = each.getParent()) {
      directories.putIfAbsent(each, clockMs.getAsLong());
    }
  }

  @Override
  public synchronized List<Path> list(Path directory) throws IOException {
    if (!directories.containsKey(directory)) {
      throw new NoSuchFileException(directory.toString());
    }
    TreeMap<Path, Object> names = new TreeMap<>(files);
    names.putAll(directories);
    return names.keySet().stream().filter(path -> directory.equals(path.getParent())).toList();
  }

  @Override
  public synchronized TierFile create(Path file) throws IOException {
    if (files.containsKey(file)) {
      throw new FileAlreadyExistsException(file.toString());
    }
    if (!directories.containsKey(file.getParent())) {
      throw new NoSuchFileException(file.toString());
    }
    files.put(file, new Content());
    return open(file);
  }

  @Override
  public synchronized TierFile open(Path file) throws IOException {
    Opened opened = new Opened(content(file));
    open++;
    return opened;
  }

  @Override
  public synchronized void rename(Path from, Path to) throws IOException {
    Content content = content(from);
    files.remove(from);
    files.put(to, content);
  }

  @Override
  public synchronized void delete(Path path) throws IOException {
    boolean isFull = directories.containsKey(path) && !list(path).isEmpty();
    if (isFull) {
      throw new DirectoryNotEmptyException(path.toString());
    }
    directories.remove(path);
    files.remove(path);
  }

  @Override
  public void forceDirectory(Path directory) {}

  @Override
  public synchronized long freeBytes(Path directory) {
    return freeBytes;
  }

  @Override
  public synchronized long lastModifiedMs(Path file) throws IOException {
    Long made = directories.get(file);
    return made == null ? content(file).modifiedMs : made;
  }

  private final class Opened implements TierFile {
    private final Content content;
    private boolean locks;
    private boolean closed;

    Opened(Content content) {
      this.content = content;
    }

    private void requireOpen() throws IOException {
      if (closed) {
        throw new ClosedChannelException();
      }
    }

    @Override
    public void read(ByteBuffer dst, long position) throws IOException {
      synchronized (MemoryStorage.this) {
        requireOpen();
        if (position + dst.remaining() > content.bytes.length) {
          throw new EOFException();
        }
        dst.put(content.bytes, (int) position, dst.remaining());
      }
    }

    @Override
    public void write(ByteBuffer src, long position) throws IOException {
      synchronized (MemoryStorage.this) {
        requireOpen();
        int end = (int) position + src.remaining();
        if (end > content.bytes.length) {
          content.bytes = Arrays.copyOf(content.bytes, end);
        }
        src.get(content.bytes, (int) position, src.remaining());
        content.modifiedMs = clockMs.getAsLong();
      }
    }

    @Override
    public long size() throws IOException {
      synchronized (MemoryStorage.this) {
        requireOpen();
        return content.bytes.length;
      }
    }

    @Override
    public void force() throws IOException {
      synchronized (MemoryStorage.this) {
        requireOpen();
      }
    }

    @Override
    public boolean tryLock() {
      synchronized (MemoryStorage.this) {
        if (content.locked) {
          return false;
        }
        content.locked = true;
        locks = true;
        return true;
      }
    }

    @Override
    public void close() {
      synchronized (MemoryStorage.this) {
        if (!closed) {
          closed = true;
          open--;
          content.locked &= !locks;
        }
      }
    }
  }
}
