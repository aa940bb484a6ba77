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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/**
 * One allocated piece of memory and its little-endian views, made once so that copies make none.
 */
record Slab(ByteBuffer memory, ByteBuffer bytes, ShortBuffer shorts, FloatBuffer floats) {

  static Slab of(ByteBuffer memory) {
    ByteBuffer bytes = memory.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    return new Slab(memory, bytes, bytes.asShortBuffer(), bytes.asFloatBuffer());
  }
}
