# Shared by the chains: source it after setting `out`.

step() { # step NAME COMMAND...: run once, keep what it prints
    local name=$1
    shift
    [ -e "$out/$name.done" ] && return
    echo "== $name: $*"
    "$@" 2>&1 | tee "$out/$name.txt"
    touch "$out/$name.done"
}

resumable() { # resumable FOLDER: --resume where a killed run left a checkpoint
    [ -e "$1/checkpoint.safetensors" ] && echo --resume || true
}
