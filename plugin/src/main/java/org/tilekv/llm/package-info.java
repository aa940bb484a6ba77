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
/**
 * Llama-family decoders for Hugging Face directories as they are on disk.
 *
 * <p>Loading: {@link org.tilekv.llm.HfConfigReader} reads {@code config.json} into a {@link
 * org.tilekv.llm.ModelConfig} and refuses what is not supported; {@link org.tilekv.llm.Checkpoint}
 * maps the safetensors files and gives tensors by name; {@link org.tilekv.llm.HfTokenizer} turns
 * text into token ids and back; {@link org.tilekv.llm.WeightsDigest} names the content for the
 * cache's namespace. Everything wrong with a model directory is an {@link
 * org.tilekv.llm.InvalidModelException} before work starts.
 *
 * <p>Running: {@link org.tilekv.llm.Decoder} computes the logits of a {@link
 * org.tilekv.llm.StepBatch}.
 *
 * <p>May use {@code page}, {@code cache}, {@code attention} and {@code cuda}. JSON is read with the
 * Jackson that Spark brings; the native tokenizer library is used here only.
 */
@NullMarked
package org.tilekv.llm;

import org.jspecify.annotations.NullMarked;
