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
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Passes calls on and lets one fault happen, at the call with a given number. For one thread. */
final class FaultyStorage implements TierStorage {
  static final long DELAY_MS = 60_000;

  private final TierStorage storage;
  private final AtomicLong nowMs;
  private final long faultyCall;
  private final StorageFault fault;
  private long calls;
  private boolean happened;
  private @Nullable Late late;

  private record Late(TierFile file, ByteBuffer bytes, long position) {}

  FaultyStorage(TierStorage storage, AtomicLong nowMs, long faultyCall, StorageFault fault) {
    this.storage = storage;
    this.nowMs = nowMs;
    this.faultyCall = faultyCall;
    this.fault = fault;
  }

  /** Calls so far. */
  long calls() {
    return calls;
  }

  /** Lets a fault that lasts happen from now on. */
  void beginFault() {
    happened = true;
  }

  /** Ends a fault that lasts. */
  void endFault() {
    happened = false;
  }

  private boolean isNow(StorageFault wanted) {
    return fault == wanted && calls == faultyCall;
  }

  private void call(boolean grows, boolean opens) throws IOException {
    calls++;
    happened |= calls == faultyCall;
    if (isNow(StorageFault.DELAY)) {
      nowMs.addAndGet(DELAY_MS);
    }
    if (!happened) {
      return;
    }
    switch (fault) {
      case FAIL -> {
        if (calls == faultyCall) {
          throw new IOException("Input/output error");
        }
      }
      case FULL -> failIf(grows, new IOException("No space left on device"));
      case REMOVED -> failIf(true, new NoSuchFileException("removed"));
      case DENIED -> failIf(grows || opens, new AccessDeniedException("denied"));
      case KILLED -> failIf(true, new IOException("killed"));
      default -> {}
    }
  }

  private static void failIf(boolean fails, IOException failure) throws IOException {
    if (fails) {
      throw failure;
    }
  }

  private static void flip(ByteBuffer bytes) {
    int at = bytes.position() + bytes.remaining() / 3;
    if (at < bytes.limit()) {
      bytes.put(at, (byte) (bytes.get(at) ^ 0x10));
    }
  }

  @Override
  public void createDirectories(Path directory) throws IOException {
    call(true, true);
    storage.createDirectories(directory);
  }

  @Override
  public List<Path> list(Path directory) throws IOException {
    call(false, true);
    return storage.list(directory);
  }

  @Override
  public TierFile create(Path file) throws IOException {
    call(true, true);
    return new FaultyFile(storage.create(file));
  }

  @Override
  public TierFile open(Path file) throws IOException {
    call(false, true);
    return new FaultyFile(storage.open(file));
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    call(true, true);
    storage.rename(from, to);
  }

  @Override
  public void delete(Path path) throws IOException {
    call(false, true);
    storage.delete(path);
  }

  @Override
  public void forceDirectory(Path directory) throws IOException {
    call(false, true);
    storage.forceDirectory(directory);
  }

  @Override
  public long freeBytes(Path directory) throws IOException {
    call(false, true);
    return fault == StorageFault.FULL && happened ? 0 : storage.freeBytes(directory);
  }

  @Override
  public long lastModifiedMs(Path file) throws IOException {
    call(false, true);
    return storage.lastModifiedMs(file);
  }

  private final class FaultyFile implements TierFile {
    private final TierFile file;

    FaultyFile(TierFile file) {
      this.file = file;
    }

    @Override
    public void read(ByteBuffer dst, long position) throws IOException {
      call(false, false);
      ByteBuffer read = dst.duplicate();
      if (isNow(StorageFault.TRUNCATE)) {
        file.read(dst.slice(dst.position(), dst.remaining() / 2), position);
        throw new EOFException();
      }
      file.read(dst, position);
      if (isNow(StorageFault.FLIP)) {
        flip(read);
      }
    }

    @Override
    public void write(ByteBuffer src, long position) throws IOException {
      call(true, false);
      ByteBuffer copy = ByteBuffer.allocate(src.remaining()).put(src).flip();
      if (isNow(StorageFault.REORDER)) {
        late = new Late(file, copy, position);
        return;
      }
      if (isNow(StorageFault.TRUNCATE)) {
        copy.limit(copy.remaining() / 2);
      } else if (isNow(StorageFault.FLIP)) {
        flip(copy);
      }
      file.write(copy, position);
      catchUp();
    }

    private void catchUp() {
      Late write = late;
      late = null;
      if (write != null) {
        try {
          write.file.write(write.bytes, write.position);
        } catch (IOException e) {
          return;
        }
      }
    }

    @Override
    public long size() throws IOException {
      call(false, false);
      return file.size();
    }

    @Override
    public void force() throws IOException {
      call(false, false);
      catchUp();
      file.force();
    }

    @Override
    public boolean tryLock() throws IOException {
      call(false, false);
      return file.tryLock();
    }

    // A close that fails closes all the same.
    @Override
    public void close() throws IOException {
      try {
        call(false, false);
      } finally {
        file.close();
      }
    }
  }
}
