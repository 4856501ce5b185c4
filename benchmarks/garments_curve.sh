#!/usr/bin/env bash
# NE against the number of photographs: benchmarks/garments_curve.sh OUT [START], after benchmarks/garments.sh GARMENTS OUT.
# Every point is trained from START (drawn garments only) for as many steps, on photographs alone, and measured on dev.txt.
set -euo pipefail
out=$1 start=${2:-$1/lite-s-drawn}
steps=1100

# shellcheck source=benchmarks/steps.sh
source "$(dirname "$0")/steps.sh"

for count in 100 200 400 800 1470; do
    held=$out/held-$count.txt
    [ "$count" = 1470 ] && held=$out/dev.txt
    run=$out/curve-$count
    step "curve-$count-train" fpm-edge train --from "$start" --recipe garments --seed 1 --data "fashionai:$out/seen" \
        --holdout "$held" --epochs $((steps * 16 / count)) -o "$run" $(resumable "$run")
    step "curve-$count" fpm-edge evaluate "$run" --data "fashionai:$out/seen" --holdout "$out/dev.txt"
done
