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
package org.tilekv.engine;

/**
 * The k largest of a row of logits, best first; among equals the lower token id wins. One pass with
 * a heap of k entries whose root is the worst one kept: no sort of the vocabulary. NaN is left out.
 * Confined to the engine's thread and reused.
 */
final class TopLogits {
  private int[] tokens = new int[16];
  private float[] values = new float[16];
  private int size;

  /** Selects from {@code logits[offset..offset+count)}; returns how many there are, at most k. */
  int select(float[] logits, int offset, int count, int k) {
    ensureCapacity(k);
    size = 0;
    int i = 0;
    for (; i < count && size < k; i++) {
      float value = logits[offset + i];
      if (!Float.isNaN(value)) {
        tokens[size] = i;
        values[size] = value;
        siftUp(size++);
      }
    }
    for (; i < count; i++) {
      if (logits[offset + i] > values[0]) {
        tokens[0] = i;
        values[0] = logits[offset + i];
        siftDown(0, size);
      }
    }
    sortBestFirst();
    return size;
  }

  int token(int rank) {
    return tokens[rank];
  }

  float logit(int rank) {
    return values[rank];
  }

  private void ensureCapacity(int k) {
    if (k > tokens.length) {
      tokens = new int[k];
      values = new float[k];
    }
  }

  private void sortBestFirst() {
    for (int end = size - 1; end > 0; end--) {
      swap(0, end);
      siftDown(0, end);
    }
  }

  private void siftUp(int child) {
    while (child > 0) {
      int parent = (child - 1) / 2;
      if (!worse(child, parent)) {
        return;
      }
      swap(child, parent);
      child = parent;
    }
  }

  private void siftDown(int parent, int end) {
    while (true) {
      int child = 2 * parent + 1;
      if (child >= end) {
        return;
      }
      if (child + 1 < end && worse(child + 1, child)) {
        child++;
      }
      if (!worse(child, parent)) {
        return;
      }
      swap(child, parent);
      parent = child;
    }
  }

  private boolean worse(int a, int b) {
    return values[a] < values[b] || (values[a] == values[b] && tokens[a] > tokens[b]);
  }

  private void swap(int a, int b) {
    int token = tokens[a];
    tokens[a] = tokens[b];
    tokens[b] = token;
    float value = values[a];
    values[a] = values[b];
    values[b] = value;
  }
}
