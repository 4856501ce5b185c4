"""Ctrl-C during imports, in processes that share a job, and at the exit: exit code 130, and one line at most."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fpm_edge.interrupts import ending_at_interrupt, interrupts_kept_from_children

# Presses Ctrl-C when a module is first looked for; with "swallow", in a package that takes any exception for its own.
PRESS = """
import os, runpy, signal, sys
# A suite that runs in the background has Ctrl-C ignored, and its children would too.
signal.signal(signal.SIGINT, signal.default_int_handler)
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
    [("click", ""), ("numpy", ""), ("fpm_edge_runtime.stages.bundle", "swallow"), ("fpm_edge.cli.run", "swallow")],
)
def test_control_c_during_an_import(program: str, imported: str, swallow: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program, imported, swallow], capture_output=True, text=True, timeout=300
    )
    assert done.stderr == "fpm-edge: interrupted\n"
    assert (done.returncode, done.stdout) == (130, "")


def test_control_c_where_python_drops_it() -> None:
    """In a destructor, and in the callback of a weak reference, as each import makes one for its lock."""
    program = """
import os, signal, sys, time, weakref
from fpm_edge.__main__ import main
import fpm_edge.cli
signal.signal(signal.SIGINT, signal.default_int_handler)
class Dropped:
    pass
def press(_=None):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
def work(**_):
    dropped = Dropped()
    if sys.argv[1] == "callback":
        held = weakref.ref(dropped, press)
    else:
        Dropped.__del__ = press
    del dropped
    time.sleep(60)
fpm_edge.cli.cli.main = work
main()
"""
    for where in ("callback", "destructor"):
        done = subprocess.run([sys.executable, "-c", program, where], capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "fpm-edge: interrupted\n")


def test_control_c_when_all_is_done() -> None:
    """What runs at the exit, multiprocessing's and TensorFlow's, would raise it, and Python shows where."""
    program = """
import atexit, os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
sys.argv[:] = ["fpm-edge", "--version"]
runpy.run_module("fpm_edge", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
    assert done.stdout.startswith("fpm-edge, version ")


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
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no masks of signals")
def test_children_do_not_hear_of_it() -> None:
    program = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    mask = []

    def start() -> None:
        with interrupts_kept_from_children():
            mask.append(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout)
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            start()
        assert mask == ["True\n"]
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="there are no groups of processes to be interrupted")
def test_control_c_in_a_terminal_while_garments_are_drawn(tmp_path: Path) -> None:
    """It goes to all processes of the group; the workers are at their imports or at work, as it comes."""
    script = tmp_path / "draw.py"
    script.write_text(
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fpm_edge.data import rendered\n"
        "rendered._POOL_FROM, rendered._CHUNK = 2, 1\n"
        "def press(done, total):\n"
        "    os.killpg(0, signal.SIGINT)\n"
        "if __name__ == '__main__':\n"
        "    from fpm_edge.data import load_dataset\n"
        "    try:\n"
        "        load_dataset('rendered:40@0/32', progress=press)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted')\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=300, start_new_session=True, env=environment
    )
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)
