#!/usr/bin/env bash
# The whole chain on real clothing: benchmarks/ccp.sh DATA OUT, where DATA holds annotations.csv and images/.
# Every number of docs/results/ccp.md is printed by one of these commands. About 40 minutes on two cores.
set -euo pipefail
data=fashionai:$1
out=$2
mkdir -p "$out"
split=(--holdout 113 --split-seed 0)
model=lite-m

# shellcheck source=benchmarks/steps.sh
source "$(dirname "$0")/steps.sh"

step shipped fpm-edge evaluate "$model" --data "$data" "${split[@]}"
step tuned-train fpm-edge train --from "$model" --recipe finetune --data "$data" "${split[@]}" \
    -o "$out/tuned" $(resumable "$out/tuned")
step tuned fpm-edge evaluate "$out/tuned" --data "$data" "${split[@]}"
step qat-train fpm-edge qat "$out/tuned" --data "$data" "${split[@]}" -o "$out/qat" $(resumable "$out/qat")

for kind in "ptq tuned --int8" "qat qat --int8" "float tuned --fp32"; do
    read -r name folder precision <<<"$kind"
    step "$name" fpm-edge convert "$out/$folder" "$precision" --calibration "$data" "${split[@]}" --samples 128 \
        -o "$out/$name.fpm"
done
for name in ptq qat; do
    for engine in litert onnxruntime; do
        for points in labelled visible; do
            step "drift-$name-$engine-$points" fpm-edge drift "$out/$name.fpm" --data "$data" "${split[@]}" \
                --reference "$out/float.fpm" --engine "$engine" --points "$points"
        done
    done
    step "accuracy-$name" fpm-edge evaluate "$out/$name.fpm" --data "$data" "${split[@]}"
done
step report fpm-edge report "$out/ptq.fpm" "$out/float.fpm" --data "$data" "${split[@]}" -o "$out/report"
step scratch-train fpm-edge train --model lite --recipe finetune --learning-rate 2e-3 --data "$data" "${split[@]}" \
    -o "$out/scratch" $(resumable "$out/scratch")
step scratch fpm-edge evaluate "$out/scratch" --data "$data" "${split[@]}"
