#!/usr/bin/env bash
# The shipped weights from beginning to end: benchmarks/garments.sh GARMENTS OUT [MODEL], where GARMENTS holds
# annotations.csv, contributors.csv, test_images.txt, images/ and others/, and MODEL is lite-m, lite-s or lite-l.
# Every number of docs/results/garments.md that is not said to be of another command is printed here.
set -euo pipefail
garments=$1 out=$2 model=${3:-lite-m}
here=$(dirname "$0")
mkdir -p "$out"

# shellcheck source=benchmarks/steps.sh
source "$here/steps.sh"

step lists "$here/garments_lists.py" "$garments" "$out"
[ -d "$out/drawn" ] || fpm-edge data shard rendered:6000@3/192 -o "$out/drawn"
beside=(--with 0.25 "shards:$out/drawn" --with 0.03 "nothing:$out/nothing-train" --with 0.02 backdrops:300@5/192)

step "$model-drawn" fpm-edge train --model "$model" --recipe lite --epochs 4 --seed 1 --data "shards:$out/drawn" \
    -o "$out/$model-drawn" $(resumable "$out/$model-drawn")
step "$model-train" fpm-edge train --from "$out/$model-drawn" --recipe garments --epochs 120 --seed 1 \
    --data "fashionai:$out/seen" --holdout "$out/dev.txt" "${beside[@]}" -o "$out/$model" $(resumable "$out/$model")
step "$model-convert" fpm-edge convert "$out/$model" --int8 --calibration "fashionai:$out/seen" \
    --holdout "$out/dev.txt" --samples 128 --nothing "nothing:$out/nothing-train" --nothing backdrops:100@6/192 \
    -o "$out/$model.fpm"
step "$model-float" fpm-edge convert "$out/$model" --fp32 --calibration "fashionai:$out/seen" \
    --holdout "$out/dev.txt" --nothing "nothing:$out/nothing-train" --nothing backdrops:100@6/192 -o "$out/$model-float.fpm"

test=(--data "fashionai:$garments" --holdout "$garments/test_images.txt")
step "$model-accuracy" fpm-edge evaluate "$out/$model.fpm" "${test[@]}" --nothing "nothing:$out/nothing-test"
step "$model-drift" fpm-edge drift "$out/$model.fpm" "${test[@]}" --reference "$out/$model-float.fpm"
step "$model-report" fpm-edge report "$out/$model.fpm" "$out/$model-float.fpm" "${test[@]}" -o "$out/$model-report"
