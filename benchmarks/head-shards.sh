#!/usr/bin/env bash
# Runs the records job with the heads of the model on 1, 2 and 4 executors, then once more with an executor of a cell
# killed half way: every answer must be right each time, and the outputs' digests the same.
# Use: benchmarks/head-shards.sh [ROWS [SHARDS ...]]     (default: all 2,000 rows with 1 2 4 killed)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$root/benchmarks/target/head-shards
mkdir -p "$work"
head -n "${1:-100000}" "$root/examples/data/records.jsonl" >"$work/rows.jsonl"
rows=$(wc -l <"$work/rows.jsonl")
shift || true
ways=("$@")
((${#ways[@]} > 0)) || ways=(1 2 4 killed)

# run SHARDS NAME: becomes the job's driver where it is called in a process of its own
run() {
  exec "$root/examples/run.sh" --master 'local-cluster[4,1,1024]' --conf "spark.tilekv.headShards=$1" \
    --conf spark.tilekv.pool.bytes=256m \
    --model "$root/examples/data/records-6m" --input "$work/rows.jsonl" \
    --templates "$root/examples/data/templates.json" --expected-col expected \
    --output "$work/$2" >"$work/$2.log" 2>&1
}

# Kills one executor of a driver once a quarter of the rows are done; fails where the job ends first.
kill_one() {
  local driver=$1 log=$2 finished
  while true; do
    kill -0 "$driver" 2>/dev/null || return 1
    finished=$(grep -oE '^ +[0-9,]+ rows done' "$log" 2>/dev/null | tail -n 1 | tr -dc '0-9' || true)
    ((4 * ${finished:-0} >= rows)) && break
    sleep 0.5
  done
  kill -KILL "$(pgrep -o -f CoarseGrainedExecutorBackend -P "$driver")"
}

report() {
  printf '%-8s %s\n' "$1" "$(sed -nE \
    -e 's/^  (exact matches|output digest|wall time|bytes between members) +(.*)/\1 \2/p' "$work/$1.log" | paste -sd ';' |
    sed 's/;/; /g')"
}

# Fails where not every row matches what is expected.
all_match() {
  local matches
  matches=$(sed -nE 's/^  exact matches +//p' "$work/$1.log" | tr -d , | sort -u)
  [[ $matches == "$rows of $rows" ]] && return 0
  echo "$1: exact matches ${matches:-not told}; expected are $rows of $rows"
  return 1
}

failed=0
for way in "${ways[@]}"; do
  shards=$way
  [[ $way == killed ]] && shards=2
  (run "$shards" "$way") &
  driver=$!
  if [[ $way == killed ]]; then
    kill_one $driver "$work/$way.log" || { echo "killed: the job ended before an executor was killed"; failed=1; }
  fi
  if ! wait $driver; then
    echo "$way: the job failed, see $work/$way.log"
    failed=1
  fi
  report "$way"
  all_match "$way" || failed=1
done
digests=$(for way in "${ways[@]}"; do sed -nE 's/^  output digest +//p' "$work/$way.log"; done | sort -u | wc -l)
if ((digests != 1)); then
  echo "the outputs differ"
  failed=1
fi
exit $failed
