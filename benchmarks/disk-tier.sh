#!/usr/bin/env bash
# Measures the disk tier against plain sequential files on one disk; with fio, its own figures for the same bytes, too.
# Use: benchmarks/disk-tier.sh DIRECTORY [options of DiskTierSpeed: --mib, --group-kib, --threads, --rounds]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
directory=${1:?"use: $0 DIRECTORY [options]"}
shift
mkdir -p "$directory"
if command -v fio >/dev/null; then
  for way in write read; do
    fio --name=plain --directory="$directory" --rw=$way --bs=1m --size=2g --end_fsync=1 --invalidate=1 \
      --output-format=terse --terse-version=3 | awk -F';' -v way=$way \
      '{printf "fio %s %.2f GiB/s\n", way, (way == "read" ? $7 : $48) / 1048576}'
  done
  rm -f "$directory"/plain.*
fi
exec "$root/benchmarks/runner.sh" DiskTierSpeed --dir "$directory" "$@"
