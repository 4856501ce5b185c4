#!/usr/bin/env bash
# The shipped model's int8 bundle on real photographs: benchmarks/photographs.sh CCP SAMPLES OUT
# (folders with images/), after `fpm-edge demo`. Writes overlays to look at; docs/results/photographs.md says what they show.
set -euo pipefail
bundle=out/demo/garments.fpm
look() { # look CATEGORY IMAGE...
    local category=$1
    shift
    fpm-edge run "$bundle" "$@" --category "$category" --overlay "$out/$category"
}
ccp=$1/images samples=$2/images out=$3
look trousers "$ccp"/{0004,0111,0208,0316,0410,0492,0570,0699,0790,0925}.jpg
look skirt "$ccp"/{0001,0171,0306,0502,0700}.jpg
look dress "$ccp"/{0002,0206,0378,0633,0854}.jpg
look blouse "$samples"/0a02d1f1a99aede99cca75b45efc5910.jpg
