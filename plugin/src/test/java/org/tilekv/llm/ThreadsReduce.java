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

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;

/** Sums between threads of one process, in the order of the ranks. */
public final class ThreadsReduce {

  private final int size;
  private final float[][] parts;
  private final CyclicBarrier barrier;

  public ThreadsReduce(int size) {
    this.size = size;
    parts = new float[size][];
    barrier = new CyclicBarrier(size);
  }

  /** The view of each member. */
  public List<AllReduce> members() {
    List<AllReduce> members = new ArrayList<>();
    for (int rank = 0; rank < size; rank++) {
      int member = rank;
      members.add((values, from, length) -> sum(member, values, from, length));
    }
    return members;
  }

  private void sum(int rank, float[] values, int from, int length) {
    parts[rank] = java.util.Arrays.copyOfRange(values, from, from + length);
    await();
    for (int i = 0; i < length; i++) {
      float sum = parts[0][i];
      for (int member = 1; member < size; member++) {
        sum += parts[member][i];
      }
      values[from + i] = sum;
    }
    await();
  }

  private void await() {
    try {
      barrier.await(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
