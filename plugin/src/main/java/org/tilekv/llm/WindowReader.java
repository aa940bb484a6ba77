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

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import org.tilekv.llm.ModelConfig.Family;

/**
 * Reads the sliding window of every layer. Mistral: {@code sliding_window} for all layers. Qwen:
 * only with {@code use_sliding_window}, for the layers that {@code layer_types} names or, without
 * it, from {@code max_window_layers} on.
 */
final class WindowReader {

  private static final int DEFAULT_WINDOW = 4096;
  private static final int DEFAULT_MAX_WINDOW_LAYERS = 28;

  private WindowReader() {}

  static int[] read(JsonObject config, Family family, int layers) {
    int[] windows = new int[layers];
    switch (family) {
      case LLAMA -> {}
      case MISTRAL -> Arrays.fill(windows, window(config));
      case QWEN2, QWEN3 -> {
        if (config.has("layer_types")) {
          fillByType(config, windows);
        } else if (config.flag("use_sliding_window", false)) {
          int first = maxWindowLayers(config);
          Arrays.fill(windows, Math.min(first, layers), layers, window(config));
        }
      }
    }
    return windows;
  }

  private static void fillByType(JsonObject config, int[] windows) {
    JsonNode types = config.get("layer_types");
    if (!types.isArray() || types.size() != windows.length) {
      throw config.refused("layer_types", "an array with one type per layer is needed");
    }
    int window = config.flag("use_sliding_window", false) ? window(config) : 0;
    for (int layer = 0; layer < windows.length; layer++) {
      switch (types.get(layer).asText()) {
        case "full_attention" -> windows[layer] = 0;
        case "sliding_attention" -> windows[layer] = window;
        default ->
            throw config.refused("layer_types", "allowed are full_attention, sliding_attention");
      }
    }
  }

  private static int window(JsonObject config) {
    return config.isNull("sliding_window")
        ? 0
        : config.positiveInt("sliding_window", DEFAULT_WINDOW);
  }

  private static int maxWindowLayers(JsonObject config) {
    JsonNode value = config.get("max_window_layers");
    if (value.isMissingNode() || value.isNull()) {
      return DEFAULT_MAX_WINDOW_LAYERS;
    }
    if (!value.isInt() || value.intValue() < 0) {
      throw config.refused("max_window_layers", "an integer of at least 0 is needed");
    }
    return value.intValue();
  }
}
