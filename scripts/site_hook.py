"""What the site needs beside docs/: the pages that live elsewhere, and navigation of folders that grow.

mkdocs calls the functions `on_…`; mkdocs.yml names this file.
"""

import re
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent

# Page in the repository → page of the site.
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "conformance/PROTOCOL.md": "conformance-protocol.md",
    "fpm_edge/models/lite-m/card.md": "model-card.md",
    **{
        page.relative_to(ROOT).as_posix(): f"examples/{page.parent.name}.md"
        for page in sorted(ROOT.glob("examples/*/README.md"))
    },
}

_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")


def on_config(config: Any) -> Any:
    """`- Results: results/` becomes all pages of that folder, README.md first; so with the others."""
    for entry in config.nav:
        for title, target in entry.items() if isinstance(entry, dict) else ():
            if target in ("decisions/", "results/"):
                pages = sorted(
                    (Path(config.docs_dir) / target).glob("*.md"), key=lambda page: (page.stem != "README", page)
                )
                entry[title] = [f"{target}{page.name}" for page in pages]
            elif target == "examples/":
                entry[title] = [page for page in ELSEWHERE.values() if page.startswith(target)]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of `ELSEWHERE`, and the files beside them that they link to."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
        for link in _LINK.finditer((ROOT / source).read_text("utf-8")):
            beside = normpath(f"{dirname(source)}/{link[2]}".lstrip("/"))
            if beside.startswith("examples/") and beside not in ELSEWHERE and (ROOT / beside).is_file():
                files.append(File.generated(config, beside, abs_src_path=str(ROOT / beside)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links in the repository into links in the site."""
    of_page = {site: source for source, site in ELSEWHERE.items()}
    site = page.file.src_uri
    source = of_page.get(site, f"docs/{site}")

    def moved(link: re.Match[str]) -> str:
        before, target, anchor, after = link.groups()
        if "://" in target:
            return link[0]
        there = normpath(f"{dirname(source)}/{target}".lstrip("/"))
        there = ELSEWHERE.get(there, there.removeprefix("docs/"))
        return f"{before}{relpath(there, dirname(site) or '.')}{anchor or ''}{after}"

    return _LINK.sub(moved, markdown)
