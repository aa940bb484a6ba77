#!/usr/bin/env bash
# Fuzzes the parsers of tile files with Jazzer, 10 minutes each: segments, orders and files of tiles.
# Use: benchmarks/fuzz.sh [PARSER ...]     (default: segmentFile orderFile tileFile)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export JAZZER_FUZZ=1
parsers=("$@")
((${#parsers[@]} > 0)) || parsers=(segmentFile orderFile tileFile)
for parser in "${parsers[@]}"; do
  echo "== $parser"
  ./mvnw -B test -pl plugin -Dtest="TileFileFuzzTest#$parser" -Dtest.excluded.tags=none 2>&1 |
    grep -E '^#[0-9]|DONE|Done|Tests run|ERROR' | tail -n 6
done
