#!/usr/bin/env bash
# GPU discovery for Spark: prints {"name": "gpu", "addresses": ["0", ...]}.
# Use: spark.{worker,driver,executor}.resource.gpu.discoveryScript = <this file>.
# TILEKV_GPU_ADDRESSES=0,1 overrides what is found, to share a host's GPUs among workers.
set -euo pipefail

if [[ -n ${TILEKV_GPU_ADDRESSES:-} ]]; then
  addresses=${TILEKV_GPU_ADDRESSES//,/ }
elif command -v nvidia-smi >/dev/null 2>&1; then
  addresses=$(nvidia-smi --query-gpu=index --format=csv,noheader)
else
  addresses=''
fi

list=''
for address in $addresses; do
  list+="${list:+, }\"$address\""
done
echo "{\"name\": \"gpu\", \"addresses\": [$list]}"
