"""The command line as a test runs it: in this process, with its exit code."""

import pytest

from fpm_edge.__main__ import main

__all__ = ["exit_code", "run_command"]


def exit_code(*arguments: object) -> int:
    """Run ``fpm-edge ARGUMENTS``."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    code = caught.value.code
    assert code is None or isinstance(code, int), code
    return code or 0


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``fpm-edge ARGUMENTS``, which ends without a traceback."""
    code = exit_code(*arguments)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err
