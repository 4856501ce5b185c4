"""Names in Markdown, and in the tables and cards that are made of them."""

import msgspec
import pytest
from small_bundle import colour_manifest

from fpm_edge.accuracy.table1 import Row, Table1, markdown
from fpm_edge.convert.bundle_card import card_text
from fpm_edge.report.bars import Bar, bar_chart
from fpm_edge.text.markdown_text import code, plain


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("hem [/m]", "hem &#91;/m&#93;"),
        ("a|b\nc", "a&#124;b c"),
        ("<b>&", "&#60;b&#62;&#38;"),
        ("*a* `b` ~c~ $d$ \\", "&#42;a&#42; &#96;b&#96; &#126;c&#126; &#36;d&#36; &#92;"),
        ("cuff_left_in", "cuff_left_in"),
        ("_left_ __x", "&#95;left&#95; &#95;&#95;x"),
        (":smile:", ":<!-- -->smile:"),
        ("12:30:05", "12:<!-- -->30:05"),
        ("14:30, 3 of 4", "14:30, 3 of 4"),
        ("@team, #12", "@<!-- -->team, #<!-- -->12"),
        ("# a", "&#35; a"),
        ("- a", "&#45; a"),
        ("1. a", "1&#46; a"),
        ("-1.2 %", "-1.2 %"),
        ("+0.10 to 1.5", "+0.10 to 1.5"),
        ("", ""),
    ],
)
def test_a_name_is_no_markdown(name: str, written: str) -> None:
    assert plain(name) == written


def test_code_holds_backticks() -> None:
    assert code("lite-m") == "`lite-m`"
    assert code("a`b") == "``a`b``"
    assert code("`") == "`` ` ``"


def test_tables_and_cards_hold_names_as_they_are() -> None:
    row = Row("a|b [c]", (0.1, 0.2), (1, 1), 0.1, 0.15)
    table = markdown(Table1("<data>", 3, "paper", ("x|y", "*z*"), (row, row)))
    assert table.splitlines()[2] == "| | x&#124;y | &#42;z&#42; | Avg. | Avg. (columns) |"
    assert table.splitlines()[4].startswith("| a&#124;b &#91;c&#93; | **0.1000** |")
    assert "&#60;data&#62;" in table
    manifest = colour_manifest()
    landmarks = msgspec.structs.replace(manifest.landmarks, name="[s](t)")
    card = card_text(msgspec.structs.replace(manifest, name="*n*", landmarks=landmarks), {})
    assert card.startswith("# &#42;n&#42;\n")
    assert "landmarks &#91;s&#93;(t)." in card


def test_a_plot_holds_names_as_they_are() -> None:
    assert "<title>&lt;b&gt;</title>" in bar_chart([Bar("[a]", 1.0, "")], "<b>", "dB", "")
