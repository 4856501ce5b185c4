#!/usr/bin/env python
"""Garments taken for none against pictures without one that are found, by how strict the rule is that tells them apart.

    benchmarks/garments_lost.py fpm_edge/models/lite-m.fpm GARMENTS OUT --nothing nothing:OUT/nothing-test

OUT is what `benchmarks/garments_lists.py GARMENTS OUT` wrote. Rules are fitted as `fpm-edge convert` fits them, to dev
and to the pictures of --fit, each with another share of dev that may be lost, and tried on the test part and on the
pictures of each --nothing. The converted files stay as they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from fpm_edge.accuracy.predict import predict_session
from fpm_edge.accuracy.recognized import recognition_of
from fpm_edge.convert.recognize import load_nothing, scores_of
from fpm_edge.data import load_dataset, split_listed
from fpm_edge_calibration import fit_categories
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.bundle.recognition import Recognition

BUDGETS = (0.02, 0.01, 0.005)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("garments", type=Path, metavar="GARMENTS")
    parser.add_argument("folder", type=Path, metavar="OUT")
    parser.add_argument("--fit", action="append", metavar="SPEC", help="by default those of benchmarks/garments.sh")
    parser.add_argument("--nothing", action="append", metavar="SPEC", required=True)
    options = parser.parse_args()
    bundle = open_bundle(options.bundle)
    session = bundle.session()
    dev = split_listed(load_dataset(f"fashionai:{options.folder}/seen"), options.folder / "dev.txt")[1]
    test = split_listed(load_dataset(f"fashionai:{options.garments}"), options.garments / "test_images.txt")[1]
    specs = options.fit or [f"nothing:{options.folder}/nothing-train", "backdrops:100@6/192"]
    empty = load_nothing(specs, session.schema)
    seen, walls = (scores_of(data, predict_session(session, data)) for data in (dev, empty))
    found = predict_session(session, test)
    tried = {spec: predict_session(session, load_nothing([spec], session.schema)) for spec in options.nothing}

    print(
        f"{options.bundle.name}; fitted to {len(dev)} garments of dev and {len(empty)} pictures of {', '.join(specs)}"
    )
    print(f"tried on {len(test)} garments of {test.name}\n")
    print(
        "| stage | may be lost | dev: lost, none found | lost | category found | NE with it | none found, "
        + ", ".join(tried)
        + " |\n|---|---|---|---|---|---|---|"
    )
    for budget in BUDGETS:
        rules = fit_categories(seen, walls, session.schema, budget)
        manifest = msgspec.structs.replace(bundle.manifest, recognition=Recognition(rules, None))
        answers = [recognition_of(manifest, found, test, nothing) for nothing in tried.values()]
        for index, (rule, *each) in enumerate(zip(rules.stages, *answers, strict=True)):
            first = each[0]
            nothing = ", ".join(f"{entry.nothing_found:.1%}" for entry in each)
            print(
                f"| {index + 1} | {budget:.1%} | {rule.garments_lost:.1%}, {rule.nothing_found:.1%} | "
                f"{first.lost:.1%} | {first.found:.1%} | {first.ne_found:.4f} | {nothing} |"
            )


if __name__ == "__main__":
    main()
