#!/bin/bash
# Compiles the kernel tests and benchmarks for the GPU architecture $ARCH (sm_90) into $1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?folder for the programs}
mkdir -p "$out"
for program in "${@:2}"; do
  nvcc -std=c++17 -O3 -arch="${ARCH:-sm_90}" -I"$here/../../main/cuda/include" \
    -o "$out/$program" "$here/$program.cu"
done
