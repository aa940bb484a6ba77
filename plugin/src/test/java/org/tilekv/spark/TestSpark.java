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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** Sessions for tests. */
final class TestSpark {

  /** The example's model; the fake plugin does not read it. */
  static final Path DATA =
      Path.of(System.getProperty("basedir", "."), "..", "examples", "data").toAbsolutePath();

  static final String MODEL = DATA.resolve("records-6m").toString();

  private TestSpark() {}

  /** A small configuration without UI; the plugin is the fake one. */
  static SparkConf conf(String master) {
    return new SparkConf(false)
        .setMaster(master)
        .setAppName("tilekv-test")
        .set("spark.ui.enabled", "false")
        .set("spark.plugins", FakeTileKvPlugin.class.getName())
        .set("spark.sql.shuffle.partitions", "4")
        .set("spark.sql.warehouse.dir", Path.of("target/warehouse").toAbsolutePath().toString())
        .set("spark.tilekv.heartbeat.interval", "100ms");
  }

  /** Executors in processes of their own, two with one core each; with Kryo at its strictest. */
  static SparkConf clusterConf() throws IOException {
    Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return conf("local-cluster[2,1,512]")
        .set("spark.executor.memory", "512m")
        .set("spark.executor.extraClassPath", classPath)
        .set("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
        .set("spark.kryo.registrator", TileKvKryoRegistrator.class.getName())
        .set("spark.kryo.registrationRequired", "true");
  }

  static SparkSession session(SparkConf conf) {
    return SparkSession.builder().config(conf).getOrCreate();
  }
}
