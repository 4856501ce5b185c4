"""What is in a bundle, in words."""

from collections.abc import Mapping

from fpm_edge.drift import DriftReport
from fpm_edge_runtime import Manifest
from fpm_edge_runtime.manifest import Format, Quantization

__all__ = ["card_text", "words_for"]


def words_for(quantization: Quantization) -> str:
    """Such as ``int8, stage_3 in float16``."""
    exceptions = [f"{piece} in {precision}" for piece, precision in quantization.exceptions.items()]
    return ", ".join([quantization.precision, *exceptions])


def card_text(manifest: Manifest, drift: Mapping[Format, DriftReport]) -> str:
    """``card.md``: what is in the bundle, for people."""
    lines = [
        f"# {manifest.name}",
        "",
        f"{manifest.stages} stages, {words_for(manifest.quantization)} ({manifest.quantization.method}), input "
        f"{manifest.geometry.input_width} × {manifest.geometry.input_height}, landmarks {manifest.landmarks.name}.",
        "",
    ]
    measured = manifest.measured
    if measured is not None:
        lines += [f"Measured on {measured.source} ({measured.pictures} pictures), NE by width and height:", ""]
        lines += ["| format | stage | float NE | NE | relative drift | 95 % bounds |", "|---|---|---|---|---|---|"]
        for form, report in drift.items():
            for entry in (stage.measurement() for stage in report.stages):
                relative = entry.relative_drift
                lines.append(
                    f"| {form} | {entry.stage} | {entry.float_ne:.4f} | {entry.converted_ne:.4f} | "
                    f"{relative.estimate:+.2%} | {relative.lower:+.2%} to {relative.upper:+.2%} |"
                )
        lines.append("")
    card = manifest.calibration
    if card is not None:
        how = "trained (QAT); golden cases from" if card.estimator == "qat" else f"{card.estimator} over"
        lines += [
            f"Ranges: {how} {len(card.samples)} pictures of {card.source} ({card.strategy}, seed "
            f"{card.seed}; SHA-256 of the inputs {card.digest}).",
            "",
            "| tensor | from | to |",
            "|---|---|---|",
        ]
        lines += [f"| {name} | {low:.4g} | {high:.4g} |" for name, (low, high) in card.ranges.items()]
        lines.append("")
    return "\n".join(lines)
