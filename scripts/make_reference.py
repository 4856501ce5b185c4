"""Write the pages and schemas that follow from the code: docs/reference/*.md and docs/schemas/*.json.

python scripts/make_reference.py            write them
python scripts/make_reference.py --check    exit code 1 where one differs from what would be written
"""

import sys
from collections.abc import Callable
from pathlib import Path

from reference.api import api_page
from reference.cli import cli_page
from reference.schemas import golden_schema, manifest_schema, signature_schema

from fpm_edge.report.json_schema import schema_text

ROOT = Path(__file__).resolve().parent.parent

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/api.md": api_page,
    "docs/reference/cli.md": cli_page,
    "docs/schemas/golden.schema.json": golden_schema,
    "docs/schemas/manifest.schema.json": manifest_schema,
    "docs/schemas/report.schema.json": schema_text,
    "docs/schemas/signature.schema.json": signature_schema,
}


def main() -> None:
    outdated = []
    for name, make in PAGES.items():
        path, content = ROOT / name, make()
        if path.exists() and path.read_text("utf-8") == content:
            continue
        outdated.append(name)
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")
    for name in outdated:
        print(f"{name} was not what the code says")
    sys.exit("--check" in sys.argv[1:] and bool(outdated))


if __name__ == "__main__":
    main()
