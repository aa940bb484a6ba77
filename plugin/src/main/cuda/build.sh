#!/usr/bin/env bash
# Compiles the CUDA kernels of one folder to fatbins, where nvcc is there.
#
#   build.sh SOURCES OUT [ARCHS]
#
# SOURCES/NAME.cu becomes OUT/NAME.fatbin with machine code for each number in ARCHS (90 is sm_90) and PTX for each
# ptxNN. NAME_sm90a.cu is compiled for sm_90a alone, and left out where 90 is not asked for. TILEKV_CUDA_ARCHS
# replaces ARCHS; "none" compiles nothing. OUT/NAME.digest is of the source, the headers and the options that a fatbin
# was made from: only what changed is compiled again.
# nvcc comes from CUDA_HOME or the PATH; without one the build goes on, and kernels are compiled by NVRTC on the node.
set -euo pipefail

sources=$1 out=$2
archs=${TILEKV_CUDA_ARCHS:-${3:-80 86 89 90 100 ptx80}}
flags=(-O3 -std=c++17 --compress-mode=size -I "$sources/include" -I "$(dirname "${BASH_SOURCE[0]}")/include")

say() { echo "CUDA kernels: $*"; }

# -gencode options of one source file; prints nothing where it is not for the architectures that are asked for.
targets() {
  local name=$1 arch
  if [[ $name =~ _sm([0-9]+)([af])$ ]]; then
    local number=${BASH_REMATCH[1]} exact=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
    [[ " $archs " == *" $number "* ]] && echo "-gencode arch=compute_$exact,code=sm_$exact"
    return 0
  fi
  for arch in $archs; do
    case $arch in
      ptx*) echo "-gencode arch=compute_${arch#ptx},code=compute_${arch#ptx}" ;;
      *) echo "-gencode arch=compute_$arch,code=sm_$arch" ;;
    esac
  done
}

# A digest of all that goes into one fatbin.
digest() {
  { echo "${flags[*]} $2"; cat "$1"; find "${include_folders[@]}" -name '*.cuh' 2>/dev/null | sort | xargs -r cat; } | cksum
}

shopt -s nullglob
files=("$sources"/*.cu)
include_folders=("$sources/include" "$(dirname "${BASH_SOURCE[0]}")/include")
if [[ ${#files[@]} == 0 ]]; then exit 0; fi
if [[ $archs == none ]]; then say "left out, as asked"; exit 0; fi
nvcc=${CUDA_HOME:+$CUDA_HOME/bin/nvcc}
[[ -x $nvcc ]] || nvcc=$(command -v nvcc || true)
if [[ -z $nvcc ]]; then
  say "no nvcc on the PATH or in CUDA_HOME; the jar holds their sources only"
  exit 0
fi

mkdir -p "$out"
for file in "${files[@]}"; do
  name=$(basename "$file" .cu)
  options=$(targets "$name")
  [[ -n $options ]] || continue
  want=$(digest "$file" "$options")
  [[ -f $out/$name.fatbin && $(cat "$out/$name.digest" 2>/dev/null) == "$want" ]] && continue
  say "$name for $archs"
  # shellcheck disable=SC2086 # the options are words
  "$nvcc" "${flags[@]}" $options --threads 2 --fatbin -o "$out/$name.fatbin.part" "$file"
  mv "$out/$name.fatbin.part" "$out/$name.fatbin"
  echo "$want" > "$out/$name.digest"
done
