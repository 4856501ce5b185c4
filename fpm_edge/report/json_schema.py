"""The published JSON Schema of ``report.json``, made from the dataclasses.

``python -m fpm_edge.report.json_schema > docs/schemas/report.schema.json`` writes it anew.
"""

import inspect
from typing import Any

import msgspec

from fpm_edge.report.data import FORMAT, ReportData
from fpm_edge.report.json_text import json_text

__all__ = ["report_schema", "schema_text"]


def report_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) that every ``report.json`` of this format keeps; more fields may come."""
    schema = msgspec.json.schema(ReportData)
    definitions = schema["$defs"]
    for definition in definitions.values():
        definition["description"] = inspect.cleandoc(definition["description"])
    report = definitions[ReportData.__name__]
    # PNGs in memory, written to files of their own.
    del report["properties"]["pictures"]
    report["properties"]["format"] = {"const": FORMAT}
    report["required"].append("format")
    report["description"] = "What `fpm-edge report` measured. The fields: fpm_edge/report/data.py."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"report.json of fpm-edge, format {FORMAT}",
        **schema,
    }


def schema_text() -> str:
    """`report_schema` as the file in the documentation has it."""
    return json_text(report_schema()).decode() + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
