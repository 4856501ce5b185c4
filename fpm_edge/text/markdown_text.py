"""Text in Markdown as GitHub reads it: names are shown as they are, whatever signs are in them."""

import re

__all__ = ["code", "plain"]

# Signs that mean something anywhere: HTML, cells, code, emphasis, links, strike-through, formulas.
_SIGNS = {ord(sign): f"&#{ord(sign)};" for sign in "&<>|`\\*[]~$"}
# An underscore inside a word, as in most landmarks, means nothing.
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
# At the beginning of a line: headings, lists, rules.
_BEGINNING = re.compile(r"(?:[-+=](?=[\s=-]|$)|#(?=#*\s)|(?<=\d)[.)](?=\s))")
# Pictures by name, people, numbers of issues: found after rendering, so an entity is not enough.
_LINKED = re.compile(r":(?=[\w+-]+:)|[@#](?=\w)")
_APART = "<!-- -->"


def plain(text: str) -> str:
    """Text as it is: nothing in it is Markdown or HTML, or ends a cell or a line."""
    text = _UNDERSCORE.sub("&#95;", " ".join(text.splitlines()).translate(_SIGNS))
    number = re.match(r"\d*", text)
    at = 0 if number is None else number.end()
    if sign := _BEGINNING.match(text, at):
        text = f"{text[:at]}&#{ord(sign[0])};{text[sign.end() :]}"
    # Not in the entities made above, whose "#" follows "&".
    return _LINKED.sub(
        lambda found: found[0] if text[found.start() - 1 : found.start()] == "&" else found[0] + _APART, text
    )


def code(text: str) -> str:
    """Text as code, between as many backticks as it takes."""
    text = " ".join(text.splitlines())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"
