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

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Names the content of a model: SHA-256 over the configuration as far as it changes K and V, and
 * over every tensor's name, dtype, shape and bytes. How tensors are spread over files, file names
 * and modification times do not matter.
 *
 * <p>Tensors are digested in parallel, each on its own, and their digests in the order of their
 * names. Cost: one read of all weights, about 1 s per core for 1.5 GB.
 */
public final class WeightsDigest {

  private static final String FORMAT = "tilekv-weights-1";
  private static final int CHUNK_BYTES = 1 << 16;

  private WeightsDigest() {}

  /** The digest as 64 hex digits. */
  public static String of(ModelConfig config, Checkpoint checkpoint) {
    MessageDigest sha = sha256();
    update(sha, FORMAT);
    update(sha, describe(config));
    List<String> names = new ArrayList<>(checkpoint.names());
    List<byte[]> digests =
        names.parallelStream().map(name -> digest(checkpoint.stored(name))).toList();
    digests.forEach(sha::update);
    return HexFormat.of().formatHex(sha.digest());
  }

  private static String describe(ModelConfig c) {
    return List.of(
            c.family(),
            c.vocabSize(),
            c.hiddenSize(),
            c.intermediateSize(),
            c.layers(),
            c.queryHeads(),
            c.kvHeads(),
            c.headDim(),
            c.rmsNormEps(),
            c.rope(),
            c.qkvBias(),
            c.outputBias(),
            c.mlpBias(),
            c.qkNorm(),
            Arrays.toString(c.windows()))
        .toString();
  }

  private static byte[] digest(Checkpoint.Stored tensor) {
    MessageDigest sha = sha256();
    update(sha, tensor.entry().name());
    update(sha, tensor.entry().dtype());
    update(sha, Arrays.toString(tensor.entry().shape()));
    TensorBytes bytes = tensor.bytes();
    byte[] chunk = new byte[CHUNK_BYTES];
    for (long at = 0; at < bytes.length(); ) {
      int run = Math.min(TensorBytes.run(at, bytes.length()), chunk.length);
      bytes.piece(at).get(TensorBytes.index(at), chunk, 0, run);
      sha.update(chunk, 0, run);
      at += run;
    }
    return sha.digest();
  }

  /** Adds a text behind its length, so that no two lists of texts give the same bytes. */
  private static void update(MessageDigest sha, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, utf8.length));
    sha.update(utf8);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
