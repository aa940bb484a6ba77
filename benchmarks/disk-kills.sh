#!/usr/bin/env bash
# Kills a process that writes to the disk tier at seeded moments; the next one must find whole groups only.
# Use: benchmarks/disk-kills.sh [KILLS]     (default: 100)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec ./mvnw -q -B test -pl plugin -Dtest=DiskTierKillTest -Dtilekv.kills="${1:-100}"
