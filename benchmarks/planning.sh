#!/usr/bin/env bash
# Planning alone: rows of made-up tokens, two cores, no model.
# Use: benchmarks/planning.sh [PlanningReport options]     (default: 1,000,000 rows of 500 tokens, 10,000 prefixes)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
(cd "$root" && ./mvnw -q -B -Dfast -DskipTests -Dspotless.check.skip=true package \
  -pl plugin,examples,examples/spark-home,benchmarks)
jar=$(find "$root/benchmarks/target" -maxdepth 1 -name 'tilekv-benchmarks_2.13-*.jar' ! -name '*sources*' | head -n 1)
app=$(find "$root/examples/target" -maxdepth 1 -name 'tilekv-examples_2.13-*-app.jar' | head -n 1)
(($# > 0)) || set -- --rows 1000000
APP_CLASS=org.tilekv.spark.PlanningReport APP_JAR=$jar \
  exec "$root/examples/run.sh" --master 'local[2]' --conf spark.driver.memory=3g --conf "spark.driver.extraClassPath=$app" "$@"
