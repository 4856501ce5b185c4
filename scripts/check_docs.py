"""Check the documentation against the code: `make docs` runs it. No network; exit code 1 where something is not so."""

import os
import sys

# TensorFlow reads both when it is imported, which the commands do.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from docs_check.commands import check_commands
from docs_check.links import check_links, check_lists, check_names
from docs_check.messages import check_messages
from docs_check.pages import pages
from docs_check.snippets import check_snippets


def main() -> None:
    checks = (check_links, check_names, check_lists, check_commands, check_snippets)
    found = pages()
    problems = [problem for page in found for check in checks for problem in check(page)]
    problems += [problem for page in found if page.name == "troubleshooting.md" for problem in check_messages(page)]
    for problem in problems:
        print(problem)
    print(f"documentation: {len(found)} pages, {len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
