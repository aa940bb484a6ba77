#!/usr/bin/env bash
# Packs the classes, test classes and jars that GPU tests need into one folder, for a GPU host without Maven.
#
#   benchmarks/gpu/pack.sh [--golden] [FOLDER]        default .gpu/app, which git ignores
#
# --golden adds the 7 MB of golden checkpoints that tests of decoders compare with.
# The host brings JDK, JUnit console, JCuda, JNA and the tokenizers; see run-tests.sh. Kernels are compiled for
# TILEKV_CUDA_ARCHS, default 90. Run it after changes; what is up to date is not built again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
golden=no
if [[ ${1:-} == --golden ]]; then golden=yes; shift; fi
out=${1:-$root/.gpu/app}
jars=jackson-core,jackson-databind,jackson-annotations,assertj-core,jspecify

export TILEKV_CUDA_ARCHS=${TILEKV_CUDA_ARCHS:-90}
cd "$root"
./mvnw -q -B -Dfast test-compile dependency:copy-dependencies -pl plugin \
  -DincludeArtifactIds="$jars" -DoutputDirectory="$root/plugin/target/gpu-jars"

rm -rf "$out"
mkdir -p "$out"
cp -r plugin/target/classes plugin/target/test-classes "$out/"
cp -r plugin/target/gpu-jars "$out/lib"
# Classes that need Spark would only fill the pack.
rm -rf "$out"/{classes,test-classes}/org/tilekv/spark
[[ $golden == yes ]] || rm -rf "$out/test-classes/golden"
cp benchmarks/gpu/run-tests.sh "$out/"
du -sh "$out" | sed 's/^/packed /'
