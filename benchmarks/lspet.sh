#!/usr/bin/env bash
# The chain, short, on a hard case: benchmarks/lspet.sh DATA OUT, where DATA is the Leeds Sports Pose Extended subset.
# Every number of docs/results/lspet.md is printed by one of these commands. About 15 minutes on two cores.
set -euo pipefail
data=lsp:$1
out=$2
mkdir -p "$out"
split=(--holdout 300 --split-seed 0)
# shellcheck source=benchmarks/steps.sh
source "$(dirname "$0")/steps.sh"

step float-train fpm-edge train --model lite --recipe lite --epochs 5 --data "$data" "${split[@]}" \
    -o "$out/float" $(resumable "$out/float")
step accuracy fpm-edge evaluate "$out/float" --data "$data" "${split[@]}"
step qat-train fpm-edge qat "$out/float" --epochs 1 --data "$data" "${split[@]}" -o "$out/qat" $(resumable "$out/qat")
step ptq fpm-edge convert "$out/float" --int8 --calibration "$data" "${split[@]}" --samples 128 --reference \
    -o "$out/ptq.fpm"
step qat fpm-edge convert "$out/qat" --int8 --calibration "$data" "${split[@]}" --samples 128 -o "$out/qat.fpm"
step drift fpm-edge drift "$out/ptq.fpm" --data "$data" "${split[@]}"
step report fpm-edge report "$out/ptq.fpm" --data "$data" "${split[@]}" -o "$out/report"
