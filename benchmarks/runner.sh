#!/usr/bin/env bash
# Compiles the benchmarks and runs a main class of org.tilekv.bench.
# Use: benchmarks/runner.sh CLASS [arguments]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
path=$root/benchmarks/target/classpath.txt
"$root/mvnw" -q -B -Dfast -f "$root/pom.xml" -pl benchmarks -am compile dependency:build-classpath \
  -Dmdep.outputFile="$path" >&2
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" --add-modules jdk.incubator.vector -Xmx2g -XX:MaxDirectMemorySize=2g \
  -cp "$root/benchmarks/target/classes:$(<"$path")" "org.tilekv.bench.$1" "${@:2}"
