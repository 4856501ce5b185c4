"""The command line. Each command is one module, imported only when it runs, so that `--help` is quick."""

import importlib
from typing import Any

import click

from fpm_edge.cli.quiet import import_quietly
from fpm_edge.interrupts import ending_at_interrupt
from fpm_edge.toolkit import missing_from_toolkit, of_toolkit

__all__ = ["NEEDS_TENSORFLOW", "cli"]

# Command name → (module, one line of help). The order is that of the work.
_COMMANDS = {
    "demo": "The whole job on built-in data: convert, bundle, run, drift, report.",
    "data": "Look at a data set before training on it, or write it in another form.",
    "train": "Train a network on photographs with landmarks.",
    "evaluate": "NE and PCK of a model or bundle, by stage, landmark and category.",
    "qat": "Fine-tune a trained model for int8 (quantization-aware training).",
    "convert": "Turn a model into a bundle of TFLite and ONNX stages, and measure its drift.",
    "search": "Find stages, precision, input size and engine that keep an NE and a latency budget.",
    "extract": "Get plain model files out of a bundle, for apps that use no code of ours.",
    "compare": "A bundle against its float model, layer by layer, and engine against engine.",
    "sensitivity": "Which layer of a bundle costs accuracy in int8, one layer at a time.",
    "lint": "Whether the heatmaps of a bundle make good use of their codes.",
    "keygen": "Make the two keys of a signature.",
    "sign": "Sign a bundle, so that devices can tell it from any other.",
    "verify": "Check a bundle: its signature, its digests, its golden cases.",
    "run": "Find landmarks on pictures, with your bundle or the one that the package ships.",
    "drift": "Check a bundle on this device against the float model.",
    "drift-log": "What the drift monitor of a device said over time.",
    "self-check": "Which engine answers a bundle's golden cases rightly here, each in its own process.",
    "slots": "Keep two bundles on a device: install, try, confirm, roll back.",
    "bench": "How long bundles take on this device, measured as MLPerf Mobile does.",
    "report": "Accuracy against latency of bundles, what changed between two, budgets for CI.",
}

NEEDS_TENSORFLOW = {"compare", "convert", "demo", "qat", "search", "sensitivity", "train"}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        try:
            with ending_at_interrupt():
                if cmd_name in NEEDS_TENSORFLOW:
                    import_quietly("tensorflow")
                module = importlib.import_module(f"fpm_edge.cli.{cmd_name.replace('-', '_')}")
        except ModuleNotFoundError as error:
            if not of_toolkit(error.name):
                raise
            raise missing_from_toolkit(f"`fpm-edge {cmd_name}`", error.name) from None
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        # What is imported only where data or options ask for it: shards, model folders, plots, another form of data.
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if not of_toolkit(error.name):
                raise
            raise missing_from_toolkit(f"this use of `fpm-edge {ctx.invoked_subcommand}`", error.name) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fpm-edge")
def cli(**_: Any) -> None:
    """Find clothing landmarks on phones and kiosks: train, quantize, convert, run, and watch the drift.

    Exit codes: 0 ok, 1 failed, 2 usage, 3 a budget was not met, 4 bad bundle, 5 a package is missing.
    """
