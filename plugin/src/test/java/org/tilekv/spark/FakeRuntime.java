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

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.tilekv.KvCache;
import org.tilekv.TileKvException;
import org.tilekv.engine.EngineStats;
import org.tilekv.engine.GenerationRequest;
import org.tilekv.engine.GenerationResult;
import org.tilekv.engine.InferenceEngine;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.llm.ModelConfig;
import org.tilekv.llm.Tokenizer;

/**
 * A model that answers with the prompt backwards, one token per character. With a temperature the
 * row key and the seed follow. A prompt that begins with {@code slow} takes {@value #SLOW_MS} ms.
 */
final class FakeRuntime implements ModelRuntime, InferenceEngine, Tokenizer {

  static final int MAX_TOKENS = 1000;
  static final int SLOW_MS = 40;
  static final int EOS = 1;

  /** Namespace of every such model; a test that sets it sets it back. */
  static final String NAMESPACE = "0".repeat(64);

  /** Prompts that all such models have tokenised. */
  static final AtomicLong ENCODED = new AtomicLong();

  static volatile Supplier<String> namespaces = () -> NAMESPACE;

  private final ExecutorService threads =
      Executors.newFixedThreadPool(
          4,
          task -> {
            Thread thread = new Thread(task, "fake-engine");
            thread.setDaemon(true);
            return thread;
          });
  private final Map<CompletableFuture<GenerationResult>, Long> running = new ConcurrentHashMap<>();
  private final AtomicLong rows = new AtomicLong();
  private final AtomicLong promptTokens = new AtomicLong();
  private final AtomicLong outputTokens = new AtomicLong();
  final AtomicInteger mostRunning = new AtomicInteger();
  final AtomicInteger cancelled = new AtomicInteger();
  volatile boolean closed;
  private final Supplier<KvCache> caches;

  FakeRuntime() {
    this(FakeCache::new);
  }

  /** With caches of another kind. */
  FakeRuntime(Supplier<KvCache> caches) {
    this.caches = caches;
  }

  @Override
  public CompletableFuture<GenerationResult> submit(GenerationRequest request) {
    CompletableFuture<GenerationResult> result = new CompletableFuture<>();
    if (request.prompt().length + request.maxNewTokens() > MAX_TOKENS) {
      result.completeExceptionally(
          new TileKvException(
              "row has "
                  + request.prompt().length
                  + " prompt tokens and asks for "
                  + request.maxNewTokens()
                  + " new ones; at most "
                  + MAX_TOKENS
                  + " are allowed"));
      return result;
    }
    running.put(result, request.owner());
    mostRunning.accumulateAndGet(running.size(), Math::max);
    threads.execute(() -> answer(request, result));
    return result;
  }

  private void answer(GenerationRequest request, CompletableFuture<GenerationResult> result) {
    String prompt = decode(request.prompt(), 0, request.prompt().length);
    if (prompt.startsWith("slow")) {
      try {
        TimeUnit.MILLISECONDS.sleep(SLOW_MS);
      } catch (InterruptedException e) {
        return;
      }
    }
    String text = new StringBuilder(prompt).reverse().toString();
    if (request.sampling().temperature() > 0) {
      text += "|" + request.rowKey() + "|" + request.sampling().seed();
    }
    int[] tokens = (text + (char) EOS).chars().toArray();
    rows.incrementAndGet();
    promptTokens.addAndGet(request.prompt().length);
    outputTokens.addAndGet(tokens.length);
    running.remove(result);
    result.complete(
        new GenerationResult(
            List.of(
                new GenerationResult.Sequence(
                    tokens, tokens.length - 1, 0, reason(text, request.stopStrings()))),
            request.prompt().length,
            0,
            0));
  }

  private static GenerationResult.FinishReason reason(String text, List<String> stopStrings) {
    return stopStrings.stream().anyMatch(text::contains)
        ? GenerationResult.FinishReason.STOP_STRING
        : GenerationResult.FinishReason.EOS;
  }

  @Override
  public int cancelOwner(long owner) {
    int count = 0;
    for (Map.Entry<CompletableFuture<GenerationResult>, Long> e : running.entrySet()) {
      if (e.getValue() == owner && e.getKey().cancel(false)) {
        running.remove(e.getKey());
        count++;
      }
    }
    cancelled.addAndGet(count);
    return count;
  }

  int running() {
    return running.size();
  }

  @Override
  public EngineStats stats() {
    long prompt = promptTokens.get();
    return new EngineStats(
        rows.get(),
        0,
        cancelled.get(),
        0,
        prompt,
        prompt,
        0,
        outputTokens.get(),
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        running.size());
  }

  @Override
  public int[] encode(String text) {
    ENCODED.incrementAndGet();
    return text.chars().toArray();
  }

  @Override
  public String decode(int[] tokens, int from, int to) {
    return new String(tokens, from, to - from);
  }

  @Override
  public void close() {
    closed = true;
    threads.shutdownNow();
    running.keySet().forEach(f -> f.cancel(false));
  }

  @Override
  public ModelConfig config() {
    return new ModelConfig(
        ModelConfig.Family.LLAMA,
        65_536,
        8,
        8,
        1,
        1,
        1,
        8,
        MAX_TOKENS,
        1e-5f,
        new ModelConfig.Rope(10_000, null),
        true,
        false,
        false,
        false,
        false,
        new int[1],
        null,
        Set.of(EOS));
  }

  @Override
  public Tokenizer tokenizer() {
    return this;
  }

  @Override
  public InferenceEngine engine() {
    return this;
  }

  @Override
  public KvCache cache() {
    return caches.get();
  }

  @Override
  public String namespace() {
    return namespaces.get();
  }
}
