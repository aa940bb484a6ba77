#!/usr/bin/env bash
# Executors that are killed, added, removed and decommissioned under a job of the example's model, on local-cluster.
#
#   benchmarks/membership.sh kills [RUNS [SEED]]   kills an executor at a random moment of each run (50 runs, seed 1)
#   benchmarks/membership.sh scale                 removes and adds executors in one job; counts shards that move
#   benchmarks/membership.sh decommission          tokens computed again with and without hand-over
#
# Exit code 1 where an output differs from that of a run without. Spark options: MEMBERSHIP_CONF="K=V K=V";
# rows of each job: MEMBERSHIP_ROWS.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${SPARK_HOME:-$root/examples/spark-home/target/spark-home}
case=${1:?kills, scale or decommission}
executors=2
[[ $case == scale ]] && executors=3

if [[ -z ${MEMBERSHIP_NO_BUILD:-} ]]; then
  (cd "$root" && ./mvnw -q -B -Dfast -DskipTests -Dspotless.check.skip=true package \
    -pl plugin,examples,examples/spark-home,benchmarks)
fi
plugin=$(find "$root/plugin/target" -maxdepth 1 -name 'tilekv-spark_2.13-*-all.jar' | head -n 1)
runner=$(find "$root/benchmarks/target" -maxdepth 1 -name 'tilekv-benchmarks_2.13-*.jar' ! -name '*-sources.jar' | head -n 1)

case $case in
  kills) rows=32 ;;
  scale) rows=2000 ;;
  *) rows=64 ;;
esac
arguments=("$root/examples/data" "$case" "${MEMBERSHIP_ROWS:-$rows}")
[[ $case == kills ]] && arguments+=("${2:-50}" "${3:-1}")

conf=(
  --conf spark.plugins=org.tilekv.spark.TileKvPlugin --conf spark.ui.enabled=false
  --conf spark.executor.memory=1024m --conf spark.tilekv.pool.bytes=128m --conf spark.tilekv.heartbeat.interval=100ms
  --conf spark.locality.wait.process=1s --conf spark.task.maxFailures=8)
for entry in ${MEMBERSHIP_CONF:-}; do
  conf+=(--conf "$entry")
done
# Both jars by one way, so that one class loader has them.
submit=(
  --master "local-cluster[$executors,1,1024]" "${conf[@]}" --jars "$plugin"
  --class org.tilekv.spark.MembershipRuns "$runner" "${arguments[@]}")

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
export SPARK_HOME=$home SPARK_SCALA_VERSION=2.13 SPARK_LOCAL_IP=127.0.0.1
export SPARK_CONF_DIR=${SPARK_CONF_DIR:-$root/spark-conf/local}
command=()
while IFS= read -r -d '' word; do
  command+=("$word")
done < <("$java" -cp "$SPARK_HOME/jars/*" org.apache.spark.launcher.Main org.apache.spark.deploy.SparkSubmit "${submit[@]}")
command=("${command[@]:1}")
command[0]=${command[0]#$'\n'}
exec "${command[@]}"
