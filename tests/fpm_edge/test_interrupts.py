"""Ctrl-C while modules are imported: exit code 130 and one line, whatever is being imported."""

import os
import signal
import subprocess
import sys

import pytest

from fpm_edge.interrupts import ending_at_interrupt

# Presses Ctrl-C when a module is first looked for; with "swallow", in a package that takes any exception for its own.
PRESS = """
import os, runpy, signal, sys
name, swallow = sys.argv[1:3]
class Press:
    def find_spec(self, module, path=None, target=None):
        if module == name:
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000):
                    pass
            except BaseException:
                if not swallow:
                    raise
                raise ImportError("something went wrong") from None
sys.meta_path.insert(0, Press())
sys.argv[:] = ["fpm-edge", "run", "--help"]
"""
MODULE = PRESS + "runpy.run_module('fpm_edge', run_name='__main__')"
SCRIPT = PRESS + "from fpm_edge.__main__ import main\nsys.exit(main())"


@pytest.mark.parametrize("program", [MODULE, SCRIPT], ids=["module", "script"])
@pytest.mark.parametrize(
    ("imported", "swallow"),
    [("click", ""), ("numpy", ""), ("fpm_edge_runtime.bundle", "swallow"), ("fpm_edge.cli.run", "swallow")],
)
def test_control_c_during_an_import(program: str, imported: str, swallow: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program, imported, swallow], capture_output=True, text=True, timeout=300
    )
    assert done.stderr == "fpm-edge: interrupted\n"
    assert (done.returncode, done.stdout) == (130, "")


def test_nothing_that_takes_time_is_imported_before_it_is_caught() -> None:
    program = "import sys; before = set(sys.modules); import fpm_edge.__main__; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"fpm_edge_runtime", "numpy", "click", "PIL", "msgspec"})


def test_it_is_as_before_afterwards_and_an_ignored_one_stays_ignored() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        for handler in (signal.default_int_handler, signal.SIG_IGN):
            signal.signal(signal.SIGINT, handler)
            with ending_at_interrupt():
                within = signal.getsignal(signal.SIGINT)
            assert (within == signal.SIG_IGN) == (handler == signal.SIG_IGN)
            assert signal.getsignal(signal.SIGINT) == handler
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
