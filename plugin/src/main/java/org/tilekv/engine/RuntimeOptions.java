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
package org.tilekv.engine;

import org.jspecify.annotations.Nullable;
import org.tilekv.KvDtype;

/**
 * How a model is run in one process.
 *
 * @param tileTokens slots of a tile
 * @param kvDtype stored type of K and V
 * @param poolBytes bytes of the page pool in RAM, rounded down to whole pages; on a GPU the device
 *     choice says how large it is
 * @param threads compute threads
 * @param maxSequenceTokens longest sequence in tokens, 0 for the model's own limit
 * @param matMul matrix products: {@code auto}, {@code vector} or {@code scalar}
 * @param addBos whether the BOS token is put first: {@code auto}, {@code true} or {@code false}
 * @param leaseTtlMs time without progress after which a sequence loses its pages
 * @param salt tenant salt of all rows that bring none, or null
 * @param engine limits of the engine
 * @param device where it runs
 * @param sources where tiles come from that are not in the pool
 * @param shard which part of the model this process runs
 */
public record RuntimeOptions(
    int tileTokens,
    KvDtype kvDtype,
    long poolBytes,
    int threads,
    int maxSequenceTokens,
    String matMul,
    String addBos,
    long leaseTtlMs,
    @Nullable String salt,
    EngineConfig engine,
    DeviceChoice device,
    PrefixSources sources,
    HeadShard shard) {

  /** Options for the CPU and the whole model, with no sources. */
  public RuntimeOptions(
      int tileTokens,
      KvDtype kvDtype,
      long poolBytes,
      int threads,
      int maxSequenceTokens,
      String matMul,
      String addBos,
      long leaseTtlMs,
      @Nullable String salt,
      EngineConfig engine) {
    this(
        tileTokens,
        kvDtype,
        poolBytes,
        threads,
        maxSequenceTokens,
        matMul,
        addBos,
        leaseTtlMs,
        salt,
        engine,
        DeviceChoice.CPU,
        PrefixSources.NONE,
        HeadShard.WHOLE);
  }

  /** Bytes that the pool takes of a budget: on a GPU without bytes of its own, all of it. */
  public long poolBytesOf(long budgetBytes) {
    if (!device.isGpu()) {
      return poolBytes;
    }
    return device.poolBytes() > 0 ? device.poolBytes() : budgetBytes;
  }

  /** The same on another device. */
  public RuntimeOptions on(DeviceChoice other) {
    return with(poolBytes, threads, other, sources, shard);
  }

  /** The same with other sources. */
  public RuntimeOptions with(PrefixSources others) {
    return with(poolBytes, threads, device, others, shard);
  }

  /**
   * The same for one member of a cell, which takes tiles from nowhere else.
   *
   * @param memberPoolBytes bytes of its page pool: the same for all members
   * @param memberThreads its compute threads
   */
  public RuntimeOptions ofMember(HeadShard member, long memberPoolBytes, int memberThreads) {
    return with(memberPoolBytes, memberThreads, device, PrefixSources.NONE, member);
  }

  private RuntimeOptions with(
      long otherPoolBytes,
      int otherThreads,
      DeviceChoice otherDevice,
      PrefixSources otherSources,
      HeadShard otherShard) {
    return new RuntimeOptions(
        tileTokens,
        kvDtype,
        otherPoolBytes,
        otherThreads,
        maxSequenceTokens,
        matMul,
        addBos,
        leaseTtlMs,
        salt,
        engine,
        otherDevice,
        otherSources,
        otherShard);
  }
}
