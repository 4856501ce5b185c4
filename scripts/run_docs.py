"""Run the commands of the documentation, page by page, each in a fresh folder: `make docs-run`. Most of an hour.

    python scripts/run_docs.py                            all pages
    python scripts/run_docs.py README.md docs/start.md    some
    python scripts/run_docs.py --list                     what would run, how it is shortened, what is left out and why

Photographs, models and bundles that pages take for granted are small stand-ins (`docs_run/stand_ins.py`); long work is
shortened, and what cannot run anywhere is left out, by the rules in `docs_run/rules.py`. Exit code 1 where a command
ended with another code than its page says.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from docs_check.pages import ROOT, pages
from docs_run.rules import PAGES_LEFT_OUT
from docs_run.run import Runner
from docs_run.steps import pages_to_run, steps_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, help="by default all")
    parser.add_argument("--list", action="store_true", help="run nothing")
    options = parser.parse_args()
    chosen = [page.absolute() for page in options.pages] or pages_to_run()
    if unknown := sorted(set(chosen) - set(pages())):
        parser.error(f"{unknown[0]} is no page of the documentation")
    if options.list:
        show(chosen)
        return
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        failures = [failure for page in chosen for failure in runner.run(page)]
    steps = [step for page in chosen for step in steps_of(page)]
    ran = sum(step.left_out is None for step in steps)
    print(
        f"documentation: {len(chosen)} pages, {ran} commands run, {len(steps) - ran} left out, {len(failures)} failed"
    )
    sys.exit(bool(failures))


def show(chosen: list[Path]) -> None:
    """Print each command, what is run instead, or why it is not run."""
    for page in chosen:
        print(page.relative_to(ROOT))
        for step in steps_of(page):
            print(f"  {step.line}: {step.written}")
            if step.left_out is not None:
                print(f"      not run: {step.left_out}")
            elif step.run != step.written:
                print(f"      run as: {step.run}")
    for pattern, reason in PAGES_LEFT_OUT.items():
        print(f"{pattern}: not run: {reason}")


if __name__ == "__main__":
    main()
