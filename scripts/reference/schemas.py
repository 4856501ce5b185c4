"""JSON Schemas of what a bundle holds, from the structs that the runtime decodes with."""

import json
from inspect import cleandoc
from typing import Any, get_args

import msgspec

from fpm_edge_runtime.bundle.manifest import READABLE_VERSIONS, Format, GoldenSet, Manifest
from fpm_edge_runtime.bundle.signature import SignedStatement

__all__ = ["golden_schema", "manifest_schema", "signature_schema"]


def manifest_schema() -> str:
    """Of manifest.json."""
    schema = _schema(Manifest, "manifest.json of an .fpm bundle")
    fields = schema["$defs"]["Manifest"]["properties"]
    fields["schema_version"]["enum"] = list(READABLE_VERSIONS)
    fields["pieces"]["propertyNames"] = {"enum": list(get_args(Format))}
    fields["digests"]["additionalProperties"]["pattern"] = "^[0-9a-f]{64}$"
    return _text(schema)


def golden_schema() -> str:
    """Of golden/golden.json."""
    return _text(_schema(GoldenSet, "golden/golden.json of an .fpm bundle"))


def signature_schema() -> str:
    """Of signature.json."""
    # JSON Schema's regular expressions are those of JavaScript, which have no \A and \Z.
    return (
        _text(_schema(SignedStatement, "signature.json of an .fpm bundle")).replace("\\\\A", "^").replace("\\\\Z", "$")
    )


def _schema(kind: type[msgspec.Struct], title: str) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = cleandoc(definition["description"]).replace("``", "`")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
