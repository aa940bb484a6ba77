#!/usr/bin/env bash
# Runs the batch inference example on Spark; needs a JDK 17 and nothing else.
#
#   examples/run.sh                                     the demo: 2,000 rows on two executor processes
#   examples/run.sh [--master URL] [--conf K=V]... [BatchInference options]
#
# --master and --conf in front go to Spark; everything after them goes to BatchInference in place of the demo's
# options. APP_CLASS and APP_JAR in the environment run another application. With SPARK_HOME set that Spark is used, with its own bin/spark-submit where it has one; otherwise one is
# assembled from Spark's published jars.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=$root/examples/spark-home/target/spark-home

plugin_jar() {
  find "$root/plugin/target" -maxdepth 1 -name 'tilekv-spark_2.13-*-all.jar' 2>/dev/null | head -n 1
}

app_jar() {
  find "$root/examples/target" -maxdepth 1 -name 'tilekv-examples_2.13-*-app.jar' 2>/dev/null | head -n 1
}

# True where a jar is missing or older than a source it is built from.
is_stale() {
  local plugin app
  plugin=$(plugin_jar) app=$(app_jar)
  [[ -n $app && -n $plugin ]] || return 0
  [[ -n ${SPARK_HOME:-} || -d $home/jars ]] || return 0
  [[ -n $(find "$root/plugin/src/main" "$root/plugin/pom.xml" "$root/pom.xml" -newer "$plugin" -print -quit) ]] && return 0
  [[ -n $(find "$root/examples/src/main" "$root/examples/pom.xml" -newer "$app" -print -quit) ]]
}

if is_stale; then
  echo "Building the plugin and the examples (the first time downloads Spark's jars, about 300 MB) ..."
  (cd "$root" && ./mvnw -q -B -Dfast -DskipTests -Dspotless.check.skip=true package -pl plugin,examples,examples/spark-home)
fi

master='local-cluster[2,1,2048]'
spark_args=()
while (($# > 0)); do
  case $1 in
    --master) master=${2:?--master needs a value}; shift 2 ;;
    --master=*) master=${1#*=}; shift ;;
    --conf) spark_args+=(--conf "${2:?--conf needs key=value}"); shift 2 ;;
    --conf=*) spark_args+=(--conf "${1#*=}"); shift ;;
    *) break ;;
  esac
done

defaults=(--conf spark.plugins=org.tilekv.spark.TileKvPlugin --conf spark.ui.showConsoleProgress=false)
if [[ $master == local-cluster* ]]; then
  # The third number is the memory of a worker in MiB: its one executor takes all of it.
  memory=${master##*,}
  defaults+=(--conf "spark.executor.memory=${memory%]}m")
fi

app_args=("$@")
if ((${#app_args[@]} == 0)); then
  defaults+=(--conf spark.tilekv.stats.distinctPositions=true)
  app_args=(
    --model "$root/examples/data/records-6m"
    --input "$root/examples/data/records.jsonl"
    --templates "$root/examples/data/templates.json"
    --expected-col expected
    --max-new-tokens 128
    --repeat 2
    --output "$root/examples/target/records-output")
fi

submit=(
  --master "$master" "${defaults[@]}" ${spark_args[@]+"${spark_args[@]}"}
  --jars "$(plugin_jar)"
  --class "${APP_CLASS:-org.tilekv.examples.BatchInference}" "${APP_JAR:-$(app_jar)}" "${app_args[@]}")

if [[ -x ${SPARK_HOME:-}/bin/spark-submit ]]; then
  exec "$SPARK_HOME/bin/spark-submit" "${submit[@]}"
fi

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
export SPARK_HOME=${SPARK_HOME:-$home} SPARK_SCALA_VERSION=2.13
if [[ $master == local* ]]; then
  # Nobody else has to reach the driver, whatever the machine's name resolves to.
  export SPARK_LOCAL_IP=${SPARK_LOCAL_IP:-127.0.0.1}
fi
export SPARK_CONF_DIR=${SPARK_CONF_DIR:-$root/spark-conf/local}
# Spark's launcher prints the command line, with the JVM options Spark needs, as NUL-ended words.
command=()
while IFS= read -r -d '' word; do
  command+=("$word")
done < <("$java" -cp "$SPARK_HOME/jars/*" org.apache.spark.launcher.Main org.apache.spark.deploy.SparkSubmit "${submit[@]}")
# An empty word and a line break come before the command.
command=("${command[@]:1}")
command[0]=${command[0]#$'\n'}
exec "${command[@]}"
