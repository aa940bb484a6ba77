#!/usr/bin/env bash
# Rows over 40 templates, Zipf, in random order, on four executors: with a plan, without, without but sorted by
# prompt, and without a cache.
# Use: benchmarks/batch-planner.sh [ROWS [WAY ...]]     (default: 20,000 rows; plan off sorted cache-off)
#
# The ways unshared-plan and unshared-off run prompts that share nothing: what planning costs there.
#
# POOL is the page pool of an executor (default 48m: less than the templates need), NEW the most tokens generated for
# a row (default 16), PARTITIONS those of the input (default: four per core).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/benchmarks/target/batch-planner
rows=${1:-20000}
ways=("${@:2}")
((${#ways[@]} > 0)) || ways=(plan off sorted cache-off)
pool=${POOL:-48m} new=${NEW:-16} partitions=${PARTITIONS:-0}
spark=${SPARK_HOME:-$root/examples/spark-home/target/spark-home}

(cd "$root" && ./mvnw -q -B -Dfast -DskipTests -Dspotless.check.skip=true package \
  -pl plugin,examples,examples/spark-home,benchmarks)
app=$(find "$root/examples/target" -maxdepth 1 -name 'tilekv-examples_2.13-*-app.jar' | head -n 1)
mkdir -p "$work"
"${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "$root/benchmarks/target/classes:$app:$spark/jars/*" \
  org.tilekv.bench.plan.WriteTemplateRows --data "$root/examples/data" --out "$work" --rows "$rows"

# run WAY [Spark options ...] -- [BatchInference options ...]
run() {
  local way=$1 spark_options=()
  shift
  while [[ $1 != -- ]]; do
    spark_options+=("$1")
    shift
  done
  shift
  "$root/examples/run.sh" --master 'local-cluster[4,1,1024]' --conf spark.tilekv.stats.distinctPositions=true \
    --conf "spark.tilekv.pool.bytes=$pool" ${spark_options[@]+"${spark_options[@]}"} \
    --model "$root/examples/data/records-6m" --max-new-tokens "$new" --partitions "$partitions" --output "$work/out-$way" "$@" >"$work/$way.log" 2>&1
}

shared=(--input "$work/rows.jsonl" --templates "$work/templates.json")

number() { grep -E "^ +$2 " "$work/$1.log" | head -n 1 | sed -E "s/^ +$2 +([0-9,.]+).*/\1/" | tr -d ,; }

report() {
  local computed distinct prompt
  computed=$(number "$1" computed) distinct=$(number "$1" 'new distinct positions') prompt=$(number "$1" 'prompt tokens')
  printf '%-10s %8s s %12s computed %12s optimum  %6.3f x  hit rate %5.1f %%  evicted %7s  digest %s\n' "$1" \
    "$(number "$1" 'wall time')" "$computed" "$distinct" \
    "$(awk "BEGIN {print $computed / $distinct}")" "$(awk "BEGIN {print 100 - 100 * $computed / $prompt}")" \
    "$(awk '$1 ~ /@/ {sum += $9} END {print sum + 0}' "$work/$1.log")" \
    "$(awk '/output digest/ {print $3}' "$work/$1.log")"
}

echo "$rows rows, at most $new new tokens each, pool $pool; optimum: each distinct prefix once per executor that has it"
for way in "${ways[@]}"; do
  case $way in
    plan) run plan -- "${shared[@]}" --plan auto ;;
    off) run off -- "${shared[@]}" --plan off ;;
    sorted) run sorted -- "${shared[@]}" --plan off --sort-by-prompt ;;
    cache-off) run cache-off --conf spark.tilekv.prefixReuse=false -- "${shared[@]}" --plan off ;;
    unshared-plan) run unshared-plan -- --input "$work/unshared.jsonl" --plan auto ;;
    unshared-off) run unshared-off -- --input "$work/unshared.jsonl" --plan off ;;
    *) echo "there is no way '$way'; there are plan, off, sorted, cache-off, unshared-plan, unshared-off" >&2 && exit 2 ;;
  esac
  report "$way"
done
for way in "${ways[@]}"; do
  grep -hE 'TileKV plan' "$work/$way.log" || true
done
