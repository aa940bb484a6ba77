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

/**
 * The part of a model that one member of a cell computes: a range of KV heads with the query heads
 * that read them, their rows of the q, k and v projections and columns of the output projection,
 * and a range of the MLP's width. Norms and embeddings are everybody's.
 *
 * <p>With more members than KV heads, members share a KV head and divide its query heads; each of
 * them holds the head's tiles.
 *
 * @param model the whole model
 * @param rank this member, from 0
 * @param shards members of the cell
 */
public record HeadSlice(ModelConfig model, int rank, int shards) {

  public HeadSlice {
    requireAllowed(model, shards);
    if (rank < 0 || rank >= shards) {
      throw new IllegalArgumentException("rank is " + rank + "; allowed are 0 to " + (shards - 1));
    }
  }

  /**
   * Refuses a number of members that the heads of a model cannot be divided among.
   *
   * @throws InvalidModelException naming the numbers that are allowed
   */
  public static void requireAllowed(ModelConfig model, int shards) {
    List<Integer> allowed = allowed(model);
    if (!allowed.contains(shards)) {
      throw new InvalidModelException(
          "headShards is "
              + shards
              + "; a model of "
              + model.kvHeads()
              + " KV heads and "
              + model.queryHeads()
              + " query heads allows "
              + allowed);
    }
  }

  /** Any number up to the KV heads; beyond, multiples of it that divide the query heads. */
  private static List<Integer> allowed(ModelConfig model) {
    List<Integer> allowed = new ArrayList<>();
    for (int n = 1; n <= model.queryHeads(); n++) {
      if (n <= model.kvHeads() || n % model.kvHeads() == 0 && model.queryHeads() % n == 0) {
        allowed.add(n);
      }
    }
    return allowed;
  }

  /** Most KV heads that a member of such a cell holds. */
  public static int mostKvHeads(ModelConfig model, int shards) {
    return Math.max(1, (model.kvHeads() + shards - 1) / shards);
  }

  /** Members that hold the same KV head. */
  private int sharers() {
    return Math.max(1, shards / model.kvHeads());
  }

  /** First KV head of this member. */
  public int firstKvHead() {
    return kvBound(rank);
  }

  /** KV heads of this member. */
  public int kvHeads() {
    return sharers() > 1 ? 1 : kvBound(rank + 1) - kvBound(rank);
  }

  private int kvBound(int member) {
    return sharers() > 1 ? member / sharers() : bound(model.kvHeads(), member);
  }

  private int bound(int whole, int member) {
    return (int) ((long) whole * member / shards);
  }

  private int firstQueryHead() {
    int group = model.queryHeads() / model.kvHeads();
    return firstKvHead() * group + rank % sharers() * queryHeads();
  }

  private int queryHeads() {
    return kvHeads() * (model.queryHeads() / model.kvHeads()) / sharers();
  }

  private int firstNeuron() {
    return bound(model.intermediateSize(), rank);
  }

  private int neurons() {
    return bound(model.intermediateSize(), rank + 1) - firstNeuron();
  }

  /** The model as this member's layers see it: with their heads and their width alone. */
  public ModelConfig config() {
    return model.withWidths(queryHeads(), kvHeads(), neurons());
  }

  /** This member's part of a layer's tensor; the tensor itself where it is everybody's. */
  Tensor part(String name, Tensor whole) {
    int dim = model.headDim();
    return switch (name) {
      case "self_attn.q_proj.weight", "self_attn.q_proj.bias" ->
          rows(whole, model.queryHeads() * dim, firstQueryHead() * dim, queryHeads() * dim);
      case "self_attn.k_proj.weight",
          "self_attn.k_proj.bias",
          "self_attn.v_proj.weight",
          "self_attn.v_proj.bias" ->
          rows(whole, model.kvHeads() * dim, firstKvHead() * dim, kvHeads() * dim);
      case "self_attn.o_proj.weight" ->
          columns(whole, model.queryHeads() * dim, firstQueryHead() * dim, queryHeads() * dim);
      case "mlp.gate_proj.weight", "mlp.gate_proj.bias", "mlp.up_proj.weight", "mlp.up_proj.bias" ->
          rows(whole, model.intermediateSize(), firstNeuron(), neurons());
      case "mlp.down_proj.weight" ->
          columns(whole, model.intermediateSize(), firstNeuron(), neurons());
      default -> whole;
    };
  }

  private Tensor rows(Tensor whole, int expected, int first, int count) {
    if (whole.shape().length == 1) {
      return whole.requireShape(expected).part(first, count);
    }
    return whole.requireShape(expected, model.hiddenSize()).part(first, count, 0, whole.columns());
  }

  private Tensor columns(Tensor whole, int expected, int first, int count) {
    return whole.requireShape(model.hiddenSize(), expected).part(0, whole.shape()[0], first, count);
  }
}
