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

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_FROM;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_TO;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/**
 * The matmul primitive of oneDNN. Weights are reordered once into the layout that it asks for at
 * many rows; input and result are native memory, and no copy from or to the heap is part of a
 * product.
 */
final class OneDnnProduct implements MeasuredProduct {

  /** Types of input and weights; the result is float32 always. */
  enum Types {
    /** As the decoder computes: the input keeps its precision. */
    F32_BF16(data_type.f32, data_type.bf16),
    F32_F32(data_type.f32, data_type.f32),
    /** The input is rounded to bfloat16. */
    BF16_BF16(data_type.bf16, data_type.bf16);

    private final data_type input;
    private final data_type weights;

    Types(data_type input, data_type weights) {
      this.input = input;
      this.weights = weights;
    }
  }

  private static final int PLANNED_ROWS = 256;
  private static final engine ENGINE = new engine(engine.kind.cpu, 0);
  private static final stream STREAM = new stream(ENGINE);

  private record Plan(matmul primitive, IntMemoryMap arguments, String implementation) {}

  private final Types types;
  private final int outputs;
  private final int depth;
  private final Pointer input;
  private final FloatPointer result;
  private final memory weights;
  private final Map<Integer, Plan> plans = new HashMap<>();

  /**
   * @param input input rows of type {@code types}, {@code depth} elements each
   * @param result takes results
   */
  OneDnnProduct(Tensor tensor, Types types, Pointer input, FloatPointer result) {
    this.types = types;
    this.outputs = tensor.shape()[0];
    this.depth = tensor.columns();
    this.input = input;
    this.result = result;
    memory.desc any = new memory.desc(new long[] {depth, outputs}, types.weights, format_tag.any);
    weights = new memory(description(PLANNED_ROWS, any).weights_desc(), ENGINE);
    load(tensor);
  }

  private void load(Tensor tensor) {
    int count = outputs * depth;
    short[] bits = new short[count];
    tensor.readShorts(0, bits, 0, count);
    memory.desc plain = new memory.desc(new long[] {depth, outputs}, data_type.bf16, format_tag.ba);
    try (ShortPointer pointer = new ShortPointer(bits);
        memory from = new memory(plain, ENGINE, pointer);
        reorder copy = new reorder(from, weights);
        IntMemoryMap arguments = new IntMemoryMap()) {
      arguments.put(DNNL_ARG_FROM, from);
      arguments.put(DNNL_ARG_TO, weights);
      copy.execute(STREAM, arguments);
      STREAM._wait();
    }
  }

  private matmul.primitive_desc description(int rows, memory.desc weightsDesc) {
    memory.desc source = new memory.desc(new long[] {rows, depth}, types.input, format_tag.ab);
    memory.desc target = new memory.desc(new long[] {rows, outputs}, data_type.f32, format_tag.ab);
    return new matmul.primitive_desc(
        ENGINE, source, weightsDesc, target, new primitive_attr(), false);
  }

  private Plan plan(int rows) {
    matmul.primitive_desc description = description(rows, weights.get_desc());
    IntMemoryMap arguments = new IntMemoryMap();
    arguments.put(DNNL_ARG_SRC, new memory(description.src_desc(), ENGINE, input));
    arguments.put(DNNL_ARG_WEIGHTS, weights);
    arguments.put(DNNL_ARG_DST, new memory(description.dst_desc(), ENGINE, result));
    return new Plan(new matmul(description), arguments, description.impl_info_str().getString());
  }

  @Override
  public int outputs() {
    return outputs;
  }

  @Override
  public int depth() {
    return depth;
  }

  @Override
  public void multiply(int rows) {
    Plan plan = plans.computeIfAbsent(rows, this::plan);
    plan.primitive.execute(STREAM, plan.arguments);
    STREAM._wait();
  }

  @Override
  public float[] row(int row) {
    float[] values = new float[outputs];
    result.getPointer((long) row * outputs).get(values, 0, outputs);
    return values;
  }

  @Override
  public String toString() {
    return "oneDNN " + types;
  }

  /** Names of what oneDNN chose, by number of rows. */
  String implementations() {
    Map<Integer, String> names = new TreeMap<>();
    plans.forEach((rows, plan) -> names.put(rows, plan.implementation));
    return names.toString();
  }

  @Override
  public void close() {
    plans.values().forEach(plan -> plan.primitive.close());
    weights.close();
  }
}
