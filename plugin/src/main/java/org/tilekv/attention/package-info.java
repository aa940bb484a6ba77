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
 * Paged attention: appends a step's K and V to tiles and attends from its tokens through the page
 * table. Entry: {@link org.tilekv.attention.PagedAttention}, made by {@link
 * org.tilekv.attention.CpuPagedAttention#create}; {@link org.tilekv.attention.ReferenceAttention}
 * is the plain definition that every kernel is tested against. {@link
 * org.tilekv.attention.TableExp} and {@link org.tilekv.attention.Bf16} serve other kernels too. May
 * use the root package, {@code page} and {@code cuda}.
 */
@NullMarked
package org.tilekv.attention;

import org.jspecify.annotations.NullMarked;
