#!/usr/bin/env bash
# Does XLA or bfloat16 make a training step faster on this machine? benchmarks/xla.sh [MODEL] [DATA]
# Milliseconds a step, each way three times in turn, so that a busy machine slows all alike.
set -euo pipefail
model=${1:-lite} data=${2:-rendered:64@1/192}
for round in 1 2 3; do
    for way in "" --xla "--precision mixed_bfloat16"; do
        # shellcheck disable=SC2086
        ms=$(fpm-edge train --model "$model" --recipe lite --data "$data" --dry-run --json $way 2>/dev/null |
            python3 -c 'import json, sys; s = json.load(sys.stdin)["estimate"]["seconds_per_step"]; print(round(s * 1e3))')
        echo "round $round ${way:-plain}: $ms ms a step"
    done
done
