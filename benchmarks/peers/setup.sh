#!/bin/sh
# A virtual environment for a peer of `peers_int8.py`, with the versions that were measured:
#     benchmarks/peers/setup.sh NAME FOLDER        made as FOLDER/NAME
# NAME is that of a requirements file beside this script: litert-quantizer, nncf, onnx2tf, ncnn, mnn.
set -eu
name=$1
folder=$2
here=$(dirname "$0")
python3 -m venv "$folder/$name"
"$folder/$name/bin/pip" install --quiet -r "$here/requirements-$name.txt"
