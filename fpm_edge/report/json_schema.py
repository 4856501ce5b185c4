"""The published JSON Schema of ``report.json``, made from the dataclasses.

``scripts/make_reference.py`` writes it anew, into docs/schemas.
"""

import dataclasses
import inspect
from typing import Any, get_type_hints

import msgspec

from fpm_edge.report.data import FORMAT, NOT_IN_JSON, ReportData
from fpm_edge.report.json_text import json_text

__all__ = ["REPORT_FILE", "ReportFile", "report_schema", "schema_text"]

REPORT_FILE = "report.json"


def _file_type() -> type[Any]:
    hints = get_type_hints(ReportData)
    wanted = [field for field in dataclasses.fields(ReportData) if field.name not in NOT_IN_JSON]
    # A default that is missing is passed on as such.
    fields: list[tuple[str, Any, Any]] = [
        (one.name, hints[one.name], dataclasses.field(default=one.default, default_factory=one.default_factory))
        for one in wanted
    ]
    return dataclasses.make_dataclass("Report", fields, frozen=True, kw_only=True)


ReportFile = _file_type()
"""`ReportData` with the fields that its file has."""


def report_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) that every ``report.json`` of this format keeps; more fields may come."""
    schema = msgspec.json.schema(ReportFile)
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    report = schema["$defs"][ReportFile.__name__]
    report["properties"]["format"] = {"const": FORMAT}
    report["required"].append("format")
    report["description"] = "What `fpm-edge report` measured. The fields: fpm_edge/report/data.py."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{REPORT_FILE} of fpm-edge, format {FORMAT}",
        **schema,
    }


def schema_text() -> str:
    """`report_schema` as the file in the documentation has it."""
    return json_text(report_schema()).decode() + "\n"
