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

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.llm.ModelConfig.Rope;
import org.tilekv.llm.ModelConfig.RopeScaling;

/**
 * Reads the rotary embedding: from {@code rope_parameters}, or in older files from {@code
 * rope_theta} and {@code rope_scaling}.
 */
final class RopeReader {

  private static final double DEFAULT_THETA = 10_000;
  private static final List<String> TYPES = List.of("default", "linear", "llama3");

  private RopeReader() {}

  static Rope read(JsonObject config) {
    refusePartial(config);
    double theta = config.positiveNumber("rope_theta", DEFAULT_THETA);
    if (config.has("rope_parameters")) {
      JsonObject rope = config.object("rope_parameters");
      refusePartial(rope);
      return new Rope(rope.positiveNumber("rope_theta", theta), scaling(config, rope));
    }
    return new Rope(
        theta, config.has("rope_scaling") ? scaling(config, config.object("rope_scaling")) : null);
  }

  private static @Nullable RopeScaling scaling(JsonObject config, JsonObject rope) {
    String key = rope.has("rope_type") ? "rope_type" : "type";
    String type = rope.oneOf(key, "default", TYPES);
    return switch (type) {
      case "linear" -> new RopeScaling(type, rope.positiveNumber("factor"), 0, 0, 0);
      case "llama3" -> llama3(config, rope);
      default -> null;
    };
  }

  private static RopeScaling llama3(JsonObject config, JsonObject rope) {
    String original = "original_max_position_embeddings";
    RopeScaling scaling =
        new RopeScaling(
            "llama3",
            rope.positiveNumber("factor"),
            rope.positiveNumber("low_freq_factor"),
            rope.positiveNumber("high_freq_factor"),
            (rope.has(original) ? rope : config).positiveInt(original));
    if (scaling.highFreqFactor() <= scaling.lowFreqFactor()) {
      throw rope.refused(
          "high_freq_factor",
          "more than low_freq_factor " + scaling.lowFreqFactor() + " is needed");
    }
    return scaling;
  }

  private static void refusePartial(JsonObject object) {
    if (object.positiveNumber("partial_rotary_factor", 1) != 1) {
      throw object.refused("partial_rotary_factor", "allowed is 1");
    }
  }
}
