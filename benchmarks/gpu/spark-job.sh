#!/usr/bin/env bash
# Runs the records job on Spark with two executors that share a GPU, each with half of what a pool may take.
#
#   spark-job.sh JARS records     2,000 rows, twice: the second pass finds the tiles of the first
#   spark-job.sh JARS fault       one executor's GPU context is broken on the way; Spark replaces the executor
#   spark-job.sh JARS missing     no executor sees a GPU and spark.tilekv.device is gpu: the application stops
#   spark-job.sh JARS fallback    no executor sees a GPU and spark.tilekv.device is auto: on the CPU, with warnings
#
# JARS is a folder made by pack.sh --spark. DEVICE (default gpu) replaces spark.tilekv.device, MASTER the master, CONF adds
# options for SparkSubmit. SPARK_HOME needs a folder jars/; where /opt/gpukit is there, it says where Spark, Java and
# CUDA's libraries are. Ends with what the executors logged.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
jars=$(cd "${1:?a folder with jars}" && pwd)
what=${2:?records, fault, missing or fallback}
# shellcheck disable=SC1091
if [[ -f /opt/gpukit/bin/env.sh ]]; then source /opt/gpukit/bin/env.sh; fi
unset SPARK_DIST_CLASSPATH # the plugin's jar has to be enough
work=$(mktemp -d)
touch "$work/begun"
export SPARK_SCALA_VERSION=2.13 SPARK_LOCAL_IP=127.0.0.1
export SPARK_CONF_DIR=$root/spark-conf/local
export TILEKV_FAULT_FILE=$work/fault TILEKV_GPU_ADDRESSES=0
master=${MASTER:-local-cluster[2,8,8192]}
device=${DEVICE:-gpu} plugin=org.tilekv.spark.TileKvPlugin repeat=2
memory=${master##*,}
case $what in
  records) ;;
  fault) plugin=org.tilekv.spark.BrokenGpuPlugin repeat=1 ;;
  missing) export CUDA_VISIBLE_DEVICES='' ; repeat=1 ;;
  fallback) export CUDA_VISIBLE_DEVICES='' device=auto ; repeat=1 ;;
  *) echo "unknown: $what" >&2; exit 2 ;;
esac

# shellcheck disable=SC2206 # words are options
submit=(--master "$master"
  --conf spark.plugins=$plugin --conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false
  --conf "spark.executor.memory=${memory%]}m"
  --conf spark.worker.resource.gpu.amount=1
  --conf "spark.worker.resource.gpu.discoveryScript=$root/spark-conf/getGpusResources.sh"
  --conf spark.executor.resource.gpu.amount=1 --conf spark.task.resource.gpu.amount=0.125
  --conf "spark.tilekv.device=$device" --conf spark.tilekv.pool.deviceFraction=0.45
  --conf spark.tilekv.stats.distinctPositions=true ${CONF:-}
  --jars "$jars/plugin.jar,$jars/faults.jar" --class org.tilekv.examples.BatchInference "$jars/app.jar"
  --model "$root/examples/data/records-6m" --input "$root/examples/data/records.jsonl"
  --templates "$root/examples/data/templates.json" --expected-col expected --max-new-tokens 128
  --repeat $repeat --output "$work/output")

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
command=()
while IFS= read -r -d '' word; do
  command+=("$word")
done < <("$java" -cp "$SPARK_HOME/jars/*" org.apache.spark.launcher.Main org.apache.spark.deploy.SparkSubmit "${submit[@]}")
command=("${command[@]:1}")
command[0]=${command[0]#$'\n'}

echo "== $what on $(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null || echo "a machine without a GPU")"
echo "== ${submit[*]//$root\//}"
status=0
"${command[@]}" || status=$?
echo "== status $status"
while read -r log; do
  echo "== executor $(basename "$(dirname "$log")")"
  grep -v '^WARNING\|^spark.tilekv\.\|Spark Executor Command\|^=*$' "$log" | cut -c -400 | sed -n 1,80p
done < <(find "$SPARK_HOME/work" -name stderr -newer "$work/begun" | sort)
rm -rf "$work"
exit "$status"
