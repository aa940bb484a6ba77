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

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;

/** Cores of one executor, as far as the configuration tells. */
final class ExecutorCores {

  private static final Pattern LOCAL = Pattern.compile("local\\[(\\d+)(?:,\\d+)?]");
  private static final Pattern LOCAL_CLUSTER = Pattern.compile("local-cluster\\[\\d+,(\\d+),\\d+]");

  private ExecutorCores() {}

  /**
   * The cores of a local master, {@code spark.executor.cores}, or what holds without it: 1 on YARN
   * and Kubernetes, elsewhere those of the machine.
   */
  static int of(SparkConf conf) {
    int machine = Runtime.getRuntime().availableProcessors();
    String master = conf.get("spark.master", "").replace(" ", "");
    if (master.equals("local")) {
      return 1;
    }
    Matcher local = LOCAL.matcher(master);
    if (local.matches()) {
      return Integer.parseInt(local.group(1));
    }
    if (conf.contains("spark.executor.cores")) {
      return conf.getInt("spark.executor.cores", machine);
    }
    if (master.equals("yarn") || master.startsWith("k8s")) {
      return 1;
    }
    Matcher cluster = LOCAL_CLUSTER.matcher(master);
    return cluster.matches() ? Integer.parseInt(cluster.group(1)) : machine;
  }
}
