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
package org.tilekv.attention;

/**
 * Rows of a step whose first keys are the same pages.
 *
 * @param members their indices in the step, rising
 * @param tiles tiles that all of them have in common, as far as they are read together
 * @param lastPage page of the last of these, of the first KV head
 * @param keys positions read together, a multiple of the kernel's block of keys
 */
record SharedPrefix(int[] members, int tiles, int lastPage, int keys) {}
