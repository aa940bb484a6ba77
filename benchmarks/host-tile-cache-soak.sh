#!/usr/bin/env bash
# A host tile cache at capacity under two threads: no lost or foreign bytes, flat memory, throughput beside Caffeine.
# Use: benchmarks/host-tile-cache-soak.sh [MINUTES]     (default: 10)
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/runner.sh" HostTileCacheSoak --minutes "${1:-10}"
