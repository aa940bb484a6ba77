#!/usr/bin/env bash
# Runs the GPU tests of a folder made by pack.sh, on a host with a GPU.
#
#   run-tests.sh [PATTERN]        PATTERN is a regular expression of class names, default .*GpuTest
#
# TILEKV_JUNIT is a JUnit console launcher that takes a class path first (default /opt/gpukit/bin/junit); its own class
# path holds JCuda, JNA and the tokenizers. Models and rows come from the pack, or from the checkout TILEKV_CHECKOUT.
# The whole log goes to $OUT/gpu-tests.log where OUT is set. Ends with the summary, and with the launcher's status.
set -euo pipefail

app=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
junit=${TILEKV_JUNIT:-/opt/gpukit/bin/junit}
log=${OUT:-$(mktemp -d)}/gpu-tests.log

cd "${TILEKV_CHECKOUT:-$app/checkout}/plugin"
status=0
"$junit" "$app/classes:$app/test-classes:$app/lib/*" --scan-classpath "$app/test-classes" --include-tag gpu \
  --include-classname "${1:-.*GpuTest}" --details tree --disable-ansi-colors > "$log" 2>&1 || status=$?
# What failed, what tests print, the totals; the log has the rest.
grep -E '✘|^[^ │├╷[]|tests (successful|failed)' "$log" | grep -v '^WARNING' | cut -c -400 | tail -c 2900
exit "$status"
