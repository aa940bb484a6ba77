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
 * Continuous batching, sampling and beam search over one decoder and one cache. Entry: {@link
 * org.tilekv.engine.InferenceEngine}, opened with its model by {@link
 * org.tilekv.engine.ModelRuntimes}.
 *
 * <p>{@code ContinuousBatchingEngine} owns the thread and the inbox; {@code Scheduler} runs the
 * steps: {@code Admission} is the queue, {@code RunningRows} what runs, {@code StepPlan} the next
 * step's batch. A {@code Row} knows how its request goes on: {@code SampledRow} with a {@code
 * TokenSampler}, {@code BeamRow} with a {@code BeamSearch}. May use {@code cache} and {@code llm}.
 */
@NullMarked
package org.tilekv.engine;

import org.jspecify.annotations.NullMarked;
