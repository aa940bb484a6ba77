#!/usr/bin/env bash
# Packs the classes, test classes and jars that GPU tests need into one folder, for a GPU host without Maven.
#
#   benchmarks/gpu/pack.sh [--golden] [FOLDER]        default .gpu/app, which git ignores
#
# --golden adds the 20 MB of golden checkpoints, example model and example rows that tests of decoders and engine read;
# without them those tests fail, unless TILEKV_CHECKOUT says where a checkout is on the host.
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
# Tests read models below the folder of the module.
rm -rf "$out/test-classes/golden"
mkdir -p "$out/checkout/plugin"
if [[ $golden == yes ]]; then
  mkdir -p "$out/checkout/plugin/src/test/resources" "$out/checkout/examples"
  cp -r plugin/src/test/resources/golden "$out/checkout/plugin/src/test/resources/"
  cp -r examples/data "$out/checkout/examples/"
fi
cp benchmarks/gpu/run-tests.sh "$out/"
du -sh "$out" | sed 's/^/packed /'
