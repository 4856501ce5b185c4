"""How many garments a second the renderer draws on one core.

Prints pictures a second of process time for each category and for an even mix: the median of several repeats
after a warm-up that makes the texture sheets. `--json` prints the same numbers as one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

from fpm_edge.render import CATEGORIES, render_garment


def pictures_per_second(category: str, *, pictures: int, repeats: int, size: int) -> float:
    """Median over `repeats`; every repeat draws the same pictures."""
    rates = []
    for _ in range(repeats):
        # Process time, so that other processes on the machine matter less.
        start = time.process_time()
        for index in range(pictures):
            render_garment(1, index, size=size, category=category)
        rates.append(pictures / (time.process_time() - start))
    return statistics.median(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100, help="pictures a repeat (default 100)")
    parser.add_argument("--repeats", type=int, default=5, help="repeats, of which the median counts (default 5)")
    parser.add_argument("--size", type=int, default=256, help="width and height in pixels (default 256)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()

    for index in range(100):
        render_garment(0, index, size=arguments.size)
    rates = {
        category: pictures_per_second(
            category, pictures=arguments.pictures, repeats=arguments.repeats, size=arguments.size
        )
        for category in CATEGORIES
    }
    rates["overall"] = statistics.harmonic_mean(rates.values())
    if arguments.json:
        print(json.dumps({"size": arguments.size, "pictures_per_second": rates}))
        return
    for name, rate in rates.items():
        print(f"{name:10s} {rate:7.1f} pictures/s")


if __name__ == "__main__":
    main()
