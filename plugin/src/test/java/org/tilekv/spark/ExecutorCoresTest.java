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
package org.tilekv.spark;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExecutorCoresTest {

  private static SparkConf master(String master) {
    return new SparkConf(false).setMaster(master);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"local|1", "local[3]|3", "local[3,2]|3", "local-cluster[2,5,1024]|5", "yarn|1"})
  void readsLocalMasters(String master, int cores) {
    assertThat(ExecutorCores.of(master(master))).isEqualTo(cores);
  }

  @Test
  void takesTheConfiguredCoresOrTheMachines() {
    assertThat(ExecutorCores.of(master("spark://host:7077").set("spark.executor.cores", "6")))
        .isEqualTo(6);
    assertThat(ExecutorCores.of(master("spark://host:7077")))
        .isEqualTo(Runtime.getRuntime().availableProcessors());
    assertThat(ExecutorCores.of(master("local[*]")))
        .isEqualTo(Runtime.getRuntime().availableProcessors());
  }
}
