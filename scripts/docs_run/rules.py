"""What is not run as it stands on a page: what is shortened, what cannot run here, what ends otherwise than with 0.

Nothing is left out in silence: each entry has a reason, and `tests/fpm_edge/test_docs_run.py` fails for one that no
longer fits a command.
"""

from dataclasses import dataclass

__all__ = ["EXITS", "NOT_HERE", "PAGES_LEFT_OUT", "SHORTER", "Exit", "NotHere", "Shorter"]


@dataclass(frozen=True)
class Shorter:
    """A change of a command, so that it takes seconds: wherever `pattern` is found, `new` takes its place."""

    pattern: str
    new: str
    reason: str


@dataclass(frozen=True)
class NotHere:
    """Commands that are not run: on `page` (a glob), those in which `pattern` is found."""

    page: str
    pattern: str
    reason: str


@dataclass(frozen=True)
class Exit:
    """A command that ends with another code than 0, where the page says so."""

    page: str
    pattern: str
    code: int
    reason: str


SHORTER = (
    Shorter(r"^make demo\b", "fpm-edge demo -o out/demo --pictures 24", "what the target runs, on fewer garments"),
    Shorter(
        r"^(fpm-edge convert runs/mine .*) \.\.\.",
        r"\1 --calibration fashionai:DIR --holdout 60 -o mine.fpm",
        "what the page leaves out",
    ),
    Shorter(r"--data …", "--data fashionai:DIR --holdout 60", "what the page leaves out"),
    Shorter(r"--holdout (100|113)\b", "--holdout 60", "of 130 photographs; 8 of each category make a rule"),
    Shorter(r"\b(slots \w+) DIR\b", r"\1 SLOTS", "DIR stands for photographs elsewhere"),
    Shorter(r"(fashionai:DIR)#test_a(.*)$", r"\1\2 --allow-seen", "the stand-in has no part that is held back"),
    Shorter(r"rendered:(1000|300|364|200|100)@", "rendered:130@", "fewer garments; 128 set ranges at most"),
    Shorter(r"rendered:40000 ", "rendered:80@1/96 ", "fewer garments"),
    Shorter(r"^(fpm-edge train\b.* --from lite-m )(?=.*fashionai:)", r"\1--input-size 96 ", "a quarter of the pixels"),
    Shorter(r"^(fpm-edge (train|qat)\b(?!.*--dry-run).*)$", r"\1 --epochs 1", "one pass over the data"),
    Shorter(
        r"^(fpm-edge train\b.* --recipe paper\b.*)$",
        r"\1 --width 0.0625 --input-size 128",
        "340 GMAC a picture otherwise, which a dry run measures",
    ),
    Shorter(r"^(fpm-edge bench .*)$", r"\1 --quick", "a first look instead of a minute of each"),
    Shorter(
        r"--max-ne-drift 0\.0\d+( --max-part-drift \S+)?",
        "--max-ne-drift 10 --max-part-drift 20",
        "so few pictures bound no drift",
    ),
    Shorter(r"--max-ne-increase 0\.02", "--max-ne-increase 10", "so few pictures bound no increase"),
    Shorter(r"--max-latency-ms \d+", "--max-latency-ms 5000", "the machine may be busy"),
    Shorter(r"^(fpm-edge search .*)$", r"\1 --engine litert --threads 1 --precision int8", "fewer candidates"),
    Shorter(r"(^|[ :,])/(var|disk1|disk2)/", r"\1./\2/", "in the folder of the page"),
    Shorter(r"^python3 -m venv ~/fpm && ~/fpm/bin/pip install .*", "true", "the environment is there"),
)
"""In this order. Comments are cut off before."""

PAGES_LEFT_OUT = {
    "docs/results/*": "measurements: each page names its data, which has to be got, and takes minutes to days",
    "docs/decisions/*": "what was measured to decide; not for use",
    "fpm_edge/models/*": "cards of the shipped models: no commands",
    "CHANGELOG.md": "what was so once",
}

NOT_HERE = (
    NotHere(
        "*", r"^pip install ", "the environment is there; `make wheel`, `make pythons` and `make fallbacks` install"
    ),
    NotHere("*", r"^make (?!demo)", "the checks of the project themselves"),
    NotHere("*", r"^(python )?benchmarks/", "measurements of minutes to hours; tests run their parts"),
    NotHere("*", r"--camera 0", "no camera"),
    NotHere("*", r"--engine litert-gpu", "no GPU that LiteRT can use"),
    NotHere("docs/security.md", r"^python -m pytest -m slow", "a slow test of its own"),
    NotHere("docs/bench.md", r"^(pkg|apt) ", "Android: Termux and its packages"),
    NotHere("docs/engines.md", r"^apt-get install ", "drivers of the system"),
    NotHere("*", r"kiosk\.py .*--window", "no screen"),
    NotHere("*", r"deepfashion2:DIR|^fpm-edge data check coco:DIR2", "DeepFashion2: its layout has no stand-in"),
    NotHere("examples/web/README.md", r"^npm ", "packages of a registry; the tests of runtime/web build the example"),
    NotHere("docs/conformance.md", r"node client\.js", "a client that its reader has yet to write"),
    NotHere("docs/web.md", r"^(npm|cd|mkdir|cp) ", "the beginning of an app elsewhere, from packages of a registry"),
)

EXITS = (Exit("docs/compare-reports.md", r"--max-ne-increase 0\.03", 3, "the page says so: the bound is over 3 %"),)
