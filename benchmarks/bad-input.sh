#!/usr/bin/env bash
# Submits jobs with bad input, one fault each, and prints what the user is told. Use: benchmarks/bad-input.sh
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=$root/examples/data
work=$root/benchmarks/target/bad-input
rm -rf "$work" && mkdir -p "$work"

head -n 8 "$data/records.jsonl" >"$work/rows.jsonl"
printf '%s\n' '{"prompt": "one two"}' '{"prompt": null}' '{"prompt": "three"}' >"$work/null.jsonl"
long=$(printf 'word %.0s' {1..3000})
printf '{"prompt": "one two"}\n{"prompt": "%s"}\n' "$long" >"$work/long.jsonl"

cp -r "$data/records-6m" "$work/unknown" && sed -i 's/LlamaForCausalLM/GPT2LMHeadModel/' "$work/unknown/config.json"
cp -r "$data/records-6m" "$work/truncated" && truncate -s -1000 "$work/truncated/model.safetensors"

# submit NAME [Spark options ...] -- [BatchInference options ...]
submit() {
  local name=$1 spark=()
  shift
  while [[ $1 != -- ]]; do spark+=("$1") && shift; done
  shift
  "$root/examples/run.sh" --master 'local[2]' ${spark[@]+"${spark[@]}"} "$@" --output "$work/out-$name" \
    >"$work/$name.log" 2>&1
  local status=$?
  printf '%s: exit %s\n' "$name" "$status"
  grep -hE 'BatchInference failed|^ +(rows|without an answer) ' "$work/$name.log" | sed "s,$root/,,g" | sort -u | sed 's/^ */    /' | head -n 4
}

model=(--model "$data/records-6m")
rows=(--input "$work/rows.jsonl" --templates "$data/templates.json")
submit missing-model -- --model "$work/nowhere" "${rows[@]}"
submit unknown-architecture -- --model "$work/unknown" "${rows[@]}"
submit truncated-safetensors -- --model "$work/truncated" "${rows[@]}"
submit long-prompt-fail -- "${model[@]}" --input "$work/long.jsonl"
submit long-prompt-null -- "${model[@]}" --input "$work/long.jsonl" --errors null
submit null-prompt-fail -- "${model[@]}" --input "$work/null.jsonl"
submit null-prompt-null -- "${model[@]}" --input "$work/null.jsonl" --errors null
submit small-pool --conf spark.tilekv.pool.bytes=100k -- "${model[@]}" "${rows[@]}"
submit small-pool-row --conf spark.tilekv.pool.bytes=1m -- "${model[@]}" "${rows[@]}"
submit misspelt-setting --conf spark.tilekv.tileTokns=16 -- "${model[@]}" "${rows[@]}"
submit contradictory-setting --conf spark.tilekv.pool.bytes=64m --conf spark.tilekv.pool.heapFraction=0.5 -- "${model[@]}" "${rows[@]}"
