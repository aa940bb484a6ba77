#!/usr/bin/env bash
# Fuzzes the parsers of tile files with Jazzer: segments, orders and files of tiles, one after the other.
# Use: benchmarks/fuzz.sh [MINUTES]     (for each parser; default: 10)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export JAZZER_FUZZ=1
for parser in segmentFile orderFile tileFile; do
  echo "== $parser, ${1:-10} minutes"
  ./mvnw -q -B test -pl plugin -Dtest="TileFileFuzzTest#$parser" -Dtest.excluded.tags=none \
    -Djazzer.max_duration="${1:-10}m" | grep -E '^#|cov:|DONE|Done|crash|ERROR' | tail -n 4
done
