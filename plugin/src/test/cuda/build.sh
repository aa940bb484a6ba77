#!/bin/bash
# Compiles programs of this folder for Hopper GPUs: build.sh FOLDER PROGRAM...
# NVCC_APPEND_FLAGS=-DTILEKV_ALL_LANES_ARRIVE makes those that race checkers understand.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?folder for the programs}
mkdir -p "$out"
for program in "${@:2}"; do
  nvcc -std=c++17 -O3 -gencode=arch=compute_90a,code=sm_90a -I"$here/../../main/cuda/include" \
    -o "$out/$program" "$here/$program.cu"
done
