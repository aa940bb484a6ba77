#!/usr/bin/env bash
# Runs a command beside a standalone cluster of two workers with one core each, on two loopback addresses, so that
# Spark takes them for two hosts. MASTER in the command's environment is the cluster's URL.
#
#   benchmarks/standalone.sh bash -c 'examples/run.sh --master "$MASTER"'
#
# Master and workers are plain main classes of the Spark home that examples/run.sh assembles (or SPARK_HOME); the
# plugin reaches the executors by --jars alone. Needs Linux, where all of 127.0.0.0/8 is this machine.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
spark=${SPARK_HOME:-$root/examples/spark-home/target/spark-home}
logs=${STANDALONE_LOGS:-$root/benchmarks/target/standalone}
port=${STANDALONE_PORT:-17077}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
export MASTER=spark://127.0.0.1:$port
mkdir -p "$logs"

if [[ ! -d $spark/jars ]]; then
  echo "there is no Spark at $spark; run examples/run.sh once or set SPARK_HOME" >&2
  exit 1
fi

pids=()
stop() {
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  wait "${pids[@]}" 2>/dev/null || true
}
trap stop EXIT

# start NAME CLASS [arguments ...]
start() {
  local name=$1
  shift
  SPARK_HOME=$spark SPARK_SCALA_VERSION=2.13 "$java" -cp "$root/spark-conf/local:$spark/jars/*" -Xmx256m "$@" \
    >"$logs/$name.log" 2>&1 &
  pids+=($!)
}

is_up() { (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

if is_up; then
  echo "port $port is in use; set STANDALONE_PORT" >&2
  exit 1
fi
start master org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$port" --webui-port 0
until is_up; do
  kill -0 "${pids[0]}" 2>/dev/null || { cat "$logs/master.log" >&2; exit 1; }
  sleep 0.2
done
for worker in 1 2; do
  start "worker-$worker" org.apache.spark.deploy.worker.Worker --host "127.0.0.$worker" --port 0 --webui-port 0 \
    --cores 1 --memory 2g --work-dir "$logs/work-$worker" "$MASTER"
done

STANDALONE_WORKERS="${pids[*]:1}" SPARK_LOCAL_IP=127.0.0.1 "$@"
