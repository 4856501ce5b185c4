"""The reference runtime as a client of the conformance suite: one JSON request a line in, one answer a line out.

python conformance/clients/python.py
"""

import os
import sys
from typing import Any

import msgspec

from conformance.clients.reference import Reference
from conformance.clients.requests import Bye, decode_request
from fpm_edge_runtime.errors import FpmEdgeError, UsageError


def _id_of(line: bytes) -> Any:
    """The id of a line that is no request, if it has one."""
    try:
        found = msgspec.json.decode(line)["id"]
    except (msgspec.DecodeError, TypeError, KeyError, IndexError):
        return None
    return found if isinstance(found, int | float | str) and not isinstance(found, bool) else None


def main() -> None:
    # Native code may print to stdout; only answers may go where answers are read.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    reference, encoder, request = Reference(), msgspec.json.Encoder(), None
    for line in sys.stdin.buffer:
        try:
            request = decode_request(line)
        except msgspec.DecodeError as error:
            answer = {"id": _id_of(line), "error": _error(UsageError(f"no request of the protocol: {error}"))}
        else:
            answer = {"id": request.id}
            try:
                answer["ok"] = reference.answer(request)
            except Exception as error:
                answer["error"] = _error(error)
        # msgspec writes NaN and infinity as null.
        out.write(encoder.encode(answer) + b"\n")
        out.flush()
        if isinstance(request, Bye):
            return


def _error(error: Exception) -> dict[str, Any]:
    if isinstance(error, FpmEdgeError):
        return {"class": type(error).__name__, "exit_code": error.exit_code, "message": str(error)}
    return {"class": "Unexpected", "exit_code": 1, "message": repr(error)}


if __name__ == "__main__":
    main()
