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
import java.util.Arrays;

/**
 * How the tokens of a step's segments are drawn; nothing is drawn for segments that were not set. A
 * few arrays that grow, so that a step allocates nothing. Used by one thread.
 */
public final class StepSampling {

  /** Bytes of one output's parameters: {@code Sampling} in ops/sample.cuh. */
  static final int BYTES = 32;

  private double[] temperatures = new double[16];
  private double[] topPs = new double[16];
  private double[] draws = new double[16];
  private int[] topKs = new int[16];
  private int size;
  private int rows;

  void clear() {
    size = 0;
    rows = 0;
  }

  void set(int segment, double temperature, int topK, double topP, double draw) {
    while (size <= segment) {
      ensureRoom();
      temperatures[size++] = 0;
    }
    rows += temperatures[segment] > 0 ? 0 : 1;
    temperatures[segment] = temperature;
    topPs[segment] = topP;
    draws[segment] = draw;
    topKs[segment] = topK;
  }

  private void ensureRoom() {
    if (size == temperatures.length) {
      temperatures = Arrays.copyOf(temperatures, 2 * size);
      topPs = Arrays.copyOf(topPs, 2 * size);
      draws = Arrays.copyOf(draws, 2 * size);
      topKs = Arrays.copyOf(topKs, 2 * size);
    }
  }

  /** Segments whose token is drawn. */
  public int rows() {
    return rows;
  }

  /** Temperature of a segment; 0 where its token is not drawn. */
  public double temperature(int segment) {
    return segment < size ? temperatures[segment] : 0;
  }

  public int topK(int segment) {
    return topKs[segment];
  }

  public double topP(int segment) {
    return topPs[segment];
  }

  public double draw(int segment) {
    return draws[segment];
  }

  /** Writes a segment's parameters as the kernel reads them. */
  void put(int segment, ByteBuffer to, int at) {
    boolean drawn = temperature(segment) > 0;
    to.putDouble(at, drawn ? temperatures[segment] : 0);
    to.putDouble(at + 8, drawn ? topPs[segment] : 1);
    to.putDouble(at + 16, drawn ? draws[segment] : 0);
    to.putInt(at + 24, drawn ? topKs[segment] : 0).putInt(at + 28, 0);
  }
}
