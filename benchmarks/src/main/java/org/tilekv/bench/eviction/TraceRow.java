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
package org.tilekv.bench.eviction;

/**
 * One row of a trace.
 *
 * @param job number of its job
 * @param position its place in the job
 * @param prompt token ids
 * @param answer token ids
 * @param life rows that are admitted after it until it ends by itself
 */
record TraceRow(int job, int position, int[] prompt, int[] answer, int life) {

  int length() {
    return prompt.length + answer.length;
  }
}
