"""Names of files as text: on Linux a name is bytes, and not all of them are UTF-8."""

__all__ = ["text_name"]


def text_name(name: str) -> str:
    """`name` as text that every file and every strict reader of JSON takes: bytes that are no UTF-8 are escaped.

    Python holds such bytes as lone surrogates, ``caf\\udce9``; here they become the six characters of that escape.
    """
    return name.encode("utf-8", "backslashreplace").decode()
