#!/usr/bin/env bash
# Runs the records job in many ways and compares the outputs' digests: they must all be the same.
# Use: benchmarks/same-output.sh [ROWS [WAY ...]]     (default: all 2,000 rows in all ways; 15 minutes on two cores)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/benchmarks/target/same-output
mkdir -p "$work"
head -n "${1:-100000}" "$root/examples/data/records.jsonl" >"$work/rows.jsonl"
rows=$(wc -l <"$work/rows.jsonl")

job=(
  --model "$root/examples/data/records-6m" --input "$work/rows.jsonl"
  --templates "$root/examples/data/templates.json" --expected-col expected)

# run NAME [Spark options ...]: becomes the job's driver where it is called in a process of its own
run() {
  local name=$1
  shift
  mkdir -p "$work/$name-events"
  exec "$root/examples/run.sh" "$@" --conf spark.eventLog.enabled=true --conf spark.eventLog.compress=false \
    --conf "spark.eventLog.dir=file:$work/$name-events" "${job[@]}" --output "$work/$name" >"$work/$name.log" 2>&1
}

# True once half of a job's rows are done.
is_half_done() {
  local finished
  finished=$(grep -oE '^ +[0-9,]+ rows done' "$work/$1.log" 2>/dev/null | tail -n 1 | tr -dc '0-9' || true)
  ((2 * ${finished:-0} >= rows))
}

# await NAME PID CONDITION...: returns 1 where the job ends first
await() {
  local pid=$2
  until "${@:3}" "$1"; do
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.5
  done
}

is_over() { grep -q '^Pass 1' "$work/$1.log"; }

# One executor process among the children of the given ones.
executor_of() { pgrep -o -f CoarseGrainedExecutorBackend -P "$(IFS=, && echo "$*")"; }

# A job on local-cluster, one of whose executors is killed half way.
killed() {
  run "$1" &
  local driver=$! executor
  if await "$1" $driver is_half_done; then
    executor=$(executor_of $driver)
    kill -KILL "$executor"
  fi
  wait $driver
}

# A job with speculation on two hosts, one of whose executors crawls from half way on, so that Spark copies its
# task. It is not stopped for good: the other one fetches shuffled rows from it.
speculated() {
  local name=$1
  shift
  run "$name" --master "$MASTER" --conf spark.executor.memory=2g --conf spark.speculation=true \
    --conf spark.speculation.multiplier=1.1 --conf spark.speculation.quantile=0.25 \
    --conf spark.speculation.minTaskRuntime=1s --conf spark.locality.wait.process=1s &
  local driver=$! executor
  if await "$name" $driver is_half_done; then
    executor=$(executor_of $STANDALONE_WORKERS)
    while kill -0 $driver 2>/dev/null && ! is_over "$name" && kill -STOP "$executor" 2>/dev/null; do
      sleep 2
      kill -CONT "$executor"
      sleep 0.2
    done
  fi
  wait $driver
}

# Number of events of Spark's log that contain a text.
events() {
  cat "$work/$1-events"/*/events_* "$work/$1-events"/*-* 2>/dev/null | grep -c "$2" || true
}

report() {
  local name=$1 log=$work/$1.log
  printf '%-14s digest %s  exact %s  evicted %-6s preempted %-5s executors lost %s  speculative tasks %s\n' "$name" \
    "$(awk '/output digest/ {print $3}' "$log")" \
    "$(sed -n 's/^ *exact matches *//p' "$log")" \
    "$(awk '$1 ~ /@/ {sum += $9} END {print sum + 0}' "$log")" \
    "$(awk '$1 ~ /@/ {sum += $10} END {print sum + 0}' "$log")" \
    "$(events "$name" 'SparkListenerExecutorRemoved.*exited with code 137')" \
    "$(events "$name" 'SparkListenerTaskStart.*"Speculative":true')"
}

# Runs the job in one way.
way() {
  rm -rf "${work:?}/$1" "$work/$1-events" "$work/$1.log"
  case $1 in
    local1) run "$1" --master 'local[1]' ;;
    local2) run "$1" --master 'local[2]' ;;
    local-cluster) run "$1" ;;
    no-reuse) run "$1" --conf spark.tilekv.prefixReuse=false ;;
    small-pool) run "$1" --conf spark.tilekv.pool.bytes=10m ;;
    killed) killed "$1" ;;
    speculation) speculated "$1" ;;
    *) echo "there is no way '$1'" >&2 && exit 2 ;;
  esac
}

ways=("${@:2}")
((${#ways[@]} > 0)) || ways=(local1 local2 local-cluster no-reuse small-pool killed speculation)
if [[ -n ${STANDALONE_WORKERS:-} ]]; then
  way "${ways[0]}"
  exit
fi

for name in "${ways[@]}"; do
  if [[ $name == speculation ]]; then
    "$root/benchmarks/standalone.sh" "$0" "${1:-100000}" "$name"
  else
    (way "$name")
  fi
  report "$name"
done

digests=$(for name in "${ways[@]}"; do awk '/output digest/ {print $3}' "$work/$name.log"; done | sort -u | wc -l)
if [[ $digests -ne 1 ]]; then
  echo "outputs differ"
  exit 1
fi
echo "all outputs are the same"
