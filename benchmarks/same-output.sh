#!/usr/bin/env bash
# Runs the records job in many ways and compares the outputs' digests: they must all be the same.
# Use: benchmarks/same-output.sh [ROWS]     (default: all 2,000 rows; about ten minutes on two cores)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/benchmarks/target/same-output
rm -rf "$work" && mkdir -p "$work"
head -n "${1:-100000}" "$root/examples/data/records.jsonl" >"$work/rows.jsonl"

job=(
  --model "$root/examples/data/records-6m" --input "$work/rows.jsonl"
  --templates "$root/examples/data/templates.json" --expected-col expected)

# run NAME [Spark options ...]
run() {
  local name=$1
  shift
  mkdir -p "$work/$name-events"
  "$root/examples/run.sh" "$@" --conf spark.eventLog.enabled=true --conf spark.eventLog.compress=false \
    --conf "spark.eventLog.dir=file:$work/$name-events" "${job[@]}" --output "$work/$name" >"$work/$name.log" 2>&1
}

# Kills one executor process once a quarter of the rows are done.
kill_one_executor() {
  local log=$1 rows
  rows=$(wc -l <"$work/rows.jsonl")
  while ! grep -q 'Pass 1' "$log" 2>/dev/null; do
    local finished
    finished=$(grep -oE '^ +[0-9,]+ rows done' "$log" 2>/dev/null | tail -n 1 | tr -dc '0-9' || true)
    if ((${finished:-0} * 4 >= rows)); then
      pkill -KILL -o -f 'CoarseGrainedExecutorBackend.*--executor-id 0'
      return
    fi
    sleep 0.5
  done
}

# Number of events of Spark's log that contain a text.
events() {
  cat "$work/$1-events"/*/events_* "$work/$1-events"/*-* 2>/dev/null | grep -c "$2" || true
}

report() {
  local name=$1 log=$work/$1.log
  printf '%-12s digest %s  exact %s  evicted %-6s preempted %-5s executors lost %s  speculative tasks %s\n' "$name" \
    "$(awk '/output digest/ {print $3}' "$log")" \
    "$(sed -n 's/^ *exact matches *//p' "$log")" \
    "$(awk '$1 ~ /@/ {sum += $9} END {print sum + 0}' "$log")" \
    "$(awk '$1 ~ /@/ {sum += $10} END {print sum + 0}' "$log")" \
    "$(events "$name" SparkListenerExecutorRemoved)" \
    "$(events "$name" 'SparkListenerTaskStart.*"Speculative":true')"
}

run local1 --master 'local[1]' && report local1
run local2 --master 'local[2]' && report local2
run cluster && report cluster
run no-reuse --conf spark.tilekv.prefixReuse=false && report no-reuse
run small-pool --conf spark.tilekv.pool.bytes=10m && report small-pool
kill_one_executor "$work/killed.log" &
run killed && report killed
run speculation --conf spark.speculation=true --conf spark.speculation.multiplier=1.1 \
  --conf spark.speculation.quantile=0.25 --conf spark.speculation.minTaskRuntime=1s && report speculation

digests=$(for log in "$work"/*.log; do awk '/output digest/ {print $3}' "$log"; done | sort -u | wc -l)
[[ $digests -eq 1 ]] && echo "all outputs are the same" || { echo "outputs differ"; exit 1; }
