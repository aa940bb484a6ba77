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

import java.util.HashSet;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobEnd;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerStageCompleted;
import org.apache.spark.scheduler.SparkListenerUnpersistRDD;
import org.apache.spark.scheduler.StageInfo;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Unpersists an RDD once a stage that reads it through another one is done, or the job of such a
 * stage has ended, however; goes itself when the RDD is unpersisted, by whomever. Holds no RDD, so
 * that Spark also unpersists one that no job ever came to read. Confined to the listener bus.
 */
final class ReleaseAfterRead extends SparkListener {

  private final SparkContext context;
  private final int kept;
  private final int reader;
  private final Set<Integer> jobs = new HashSet<>();

  /**
   * @param kept id of the RDD to unpersist
   * @param reader id of the RDD that reads it
   */
  ReleaseAfterRead(SparkContext context, int kept, int reader) {
    this.context = context;
    this.kept = kept;
    this.reader = reader;
  }

  @Override
  public void onJobStart(SparkListenerJobStart job) {
    if (CollectionConverters.asJava(job.stageInfos()).stream().anyMatch(this::reads)) {
      jobs.add(job.jobId());
    }
  }

  @Override
  public void onStageCompleted(SparkListenerStageCompleted completed) {
    StageInfo stage = completed.stageInfo();
    if (stage.failureReason().isEmpty() && reads(stage)) {
      release();
    }
  }

  @Override
  public void onJobEnd(SparkListenerJobEnd job) {
    if (jobs.contains(job.jobId())) {
      release();
    }
  }

  @Override
  public void onUnpersistRDD(SparkListenerUnpersistRDD unpersisted) {
    if (unpersisted.rddId() == kept) {
      context.removeSparkListener(this);
    }
  }

  private boolean reads(StageInfo stage) {
    return CollectionConverters.asJava(stage.rddInfos()).stream()
        .anyMatch(rdd -> rdd.id() == reader);
  }

  private void release() {
    RDD<?> rdd = CollectionConverters.asJava(context.getPersistentRDDs()).get(kept);
    if (rdd != null) {
      rdd.unpersist(false);
    }
  }
}
