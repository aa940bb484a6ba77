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
package org.tilekv.bench;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.tilekv.prefix.Namespace;
import org.tilekv.prefix.TileName;

/**
 * Naming all tiles of a prompt of 4,096 tokens, per token; beside it SHA-256 over the same token
 * ids as one message, which is the limit.
 *
 * <pre>
 * java ... org.openjdk.jmh.Main PrefixHashBenchmark
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before a benchmark.
public class PrefixHashBenchmark {
  private static final int TOKENS = 4096;

  /** Tokens of a tile. */
  @Param({"16", "64", "256"})
  int tileTokens;

  private int[] prompt;
  private TileName root;
  private MessageDigest digest;
  private byte[] message;

  @Setup
  public void prepare() throws GeneralSecurityException {
    prompt = new Random(7).ints(TOKENS, 0, 128_000).toArray();
    root = TileName.root(Namespace.builder().field("weights", "benchmark").build(), "salt");
    digest = MessageDigest.getInstance("SHA-256");
    message = new byte[Integer.BYTES * TOKENS];
    ByteBuffer.wrap(message).asIntBuffer().put(prompt);
  }

  @Benchmark
  @OperationsPerInvocation(TOKENS)
  public TileName tileNames() {
    TileName name = root;
    for (int from = 0; from < TOKENS; from += tileTokens) {
      name = name.child(prompt, from, tileTokens);
    }
    return name;
  }

  @Benchmark
  @OperationsPerInvocation(TOKENS)
  public byte[] plainSha256() {
    return digest.digest(message);
  }
}
