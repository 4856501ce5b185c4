#!/bin/sh
# Search with Jazzer, one target after the other: fuzz.sh SECONDS [TARGET...]; all targets share the seconds.
# FUZZ_CORPUS says where what was found interesting is kept (else target/corpus), so that the next search starts there.
set -eu
seconds=${1:?"usage: fuzz.sh SECONDS [TARGET...], after mvn -q -B verify -pl fpm-edge-fuzz -am in runtime/jvm"}
shift
cd "$(dirname "$0")"
classes="target/fuzz.jar:target/lib/*"
corpus=${FUZZ_CORPUS:-target/corpus}
mkdir -p "$corpus" target/found
all=$(java -cp "$classes" fpm.edge.fuzz.FuzzKt target/seeds)
[ $# -gt 0 ] || set -- $all
each=$((seconds / $#))
status=0
for name in "$@"; do
    mkdir -p "$corpus/$name"
    echo "=== $name, $each s"
    java -Xmx1g -XX:MaxDirectMemorySize=1g -XX:+UseSerialGC -Dfuzz.target="$name" -cp "$classes" com.code_intelligence.jazzer.Jazzer \
        --target_class=fpm.edge.fuzz.Fuzz --instrumentation_includes='fpm.edge.**:com.google.gson.stream.**' \
        --instrumentation_excludes='fpm.edge.fuzz.**' \
        -max_total_time="$each" -max_len=65536 -timeout=30 -rss_limit_mb=3072 -print_final_stats=1 \
        -artifact_prefix="target/found/$name-" "$corpus/$name" "target/seeds/$name" || status=1
done
exit $status
