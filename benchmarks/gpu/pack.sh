#!/usr/bin/env bash
# Packs the classes, test classes and jars that GPU tests need into one folder, for a GPU host without Maven.
#
#   benchmarks/gpu/pack.sh [--golden] [--benchmarks] [--spark] [FOLDER]        default .gpu/app, which git ignores
#
# --golden adds the 20 MB of golden checkpoints, example model and example rows that tests of decoders and engine read;
# without them those tests fail, unless TILEKV_CHECKOUT says where a checkout is on the host. --benchmarks adds the
# classes of this module, --spark a folder spark with the jars that spark-job.sh takes.
# The host brings JDK, JUnit console, JCuda, JNA and the tokenizers; see run-tests.sh. Kernels are compiled for
# TILEKV_CUDA_ARCHS, default 90. Run it after changes; what is up to date is not built again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
golden=no benchmarks=no spark=no
while [[ ${1:-} == --* ]]; do
  case $1 in
    --golden) golden=yes ;;
    --benchmarks) benchmarks=yes ;;
    --spark) spark=yes ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift
done
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
if [[ $benchmarks == yes ]]; then
  ./mvnw -q -B -Dfast compile dependency:copy-dependencies -pl plugin,benchmarks \
    -DincludeArtifactIds=picocli -DoutputDirectory="$out/lib"
  cp -r benchmarks/target/classes/. "$out/classes/"
fi
if [[ $spark == yes ]]; then
  ./mvnw -q -B -Dfast -DskipTests package -pl plugin,examples
  mkdir "$out/spark"
  cp plugin/target/tilekv-spark_2.13-*-all.jar "$out/spark/plugin.jar"
  cp examples/target/tilekv-examples_2.13-*-app.jar "$out/spark/app.jar"
  jar --create --file "$out/spark/faults.jar" -C plugin/target/test-classes org/tilekv/spark/BrokenGpuPlugin.class \
    -C plugin/target/test-classes org/tilekv/cuda/kernels/test_kernels.fatbin
fi
du -sh "$out" | sed 's/^/packed /'
