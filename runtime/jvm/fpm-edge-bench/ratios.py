"""The medians of what JMH wrote (`-rf json -rff FILE`), with the middle half: python ratios.py FILE."""

import json
import sys
from pathlib import Path
from statistics import median, quantiles


def shown(values: list[float]) -> str:
    low, _, high = quantiles(values, n=4)
    return f"{median(values):.4g} ({low:.4g} to {high:.4g})"


for run in json.loads(Path(sys.argv[1]).read_text()):
    name = run["benchmark"].rpartition(".")[2]
    parameters = " ".join(Path(value).stem for value in run.get("params", {}).values())
    metrics = {"": run["primaryMetric"], **run.get("secondaryMetrics", {})}
    for metric, found in metrics.items():
        if metric in {"", "ratio", "gc.alloc.rate.norm"}:
            values = [value for fork in found["rawData"] for value in fork]
            # JMH adds up what is counted: each iteration's own is what is in rawData.
            print(f"{name} {parameters} {metric}: {shown(values)} {found['scoreUnit']}")
