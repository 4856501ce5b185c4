"""What is in a bundle, in words."""

from collections.abc import Mapping

from fpm_edge.accuracy.drift import DriftReport
from fpm_edge.text.markdown_text import plain
from fpm_edge_runtime import Manifest
from fpm_edge_runtime.bundle.manifest import Format, Quantization

__all__ = ["card_text", "recognition_words", "words_for"]


def words_for(quantization: Quantization) -> str:
    """Such as ``int8, stage_3 in float16``."""
    exceptions = [f"{piece} in {precision}" for piece, precision in quantization.exceptions.items()]
    return ", ".join([quantization.precision, *exceptions])


def recognition_words(manifest: Manifest) -> list[str]:
    """What the bundle recognises with all its stages, and how well; one line for each kind of rule that it has."""
    lines = []
    recognition = manifest.recognition
    if recognition is not None and recognition.categories is not None:
        rules = recognition.categories
        last = rules.stages[-1]
        lines.append(
            f"category found for {last.found:.1%} of {rules.pictures} pictures of {rules.source}, garments taken for "
            f"none {last.garments_lost:.1%}; none found in {last.nothing_found:.1%} of {rules.nothing} pictures of "
            f"{rules.nothing_source} (each by a rule fitted to the others, {rules.folds} folds)"
        )
    if recognition is not None and recognition.confidences is not None:
        curves = recognition.confidences
        lines.append(
            f"confidences are off by {curves.stages[-1].calibration_error:.1%} on average (expected calibration error; "
            f"{curves.points} points of {curves.pictures} pictures of {curves.source})"
        )
    return lines


def card_text(manifest: Manifest, drift: Mapping[Format, DriftReport]) -> str:
    """``card.md``: what is in the bundle, for people."""
    lines = [
        f"# {plain(manifest.name)}",
        "",
        f"{manifest.stages} stages, {words_for(manifest.quantization)} ({manifest.quantization.method}), input "
        f"{manifest.geometry.input_width} × {manifest.geometry.input_height}, landmarks "
        f"{plain(manifest.landmarks.name)}.",
        "",
    ]
    measured = manifest.measured
    if measured is not None:
        lines += [f"Measured on {plain(measured.source)} ({measured.pictures} pictures), NE by width and height:", ""]
        lines += ["| format | stage | float NE | NE | relative drift | 95 % bounds |", "|---|---|---|---|---|---|"]
        for form, report in drift.items():
            for entry in (stage.measurement() for stage in report.stages):
                relative = entry.relative_drift
                lines.append(
                    f"| {form} | {entry.stage} | {entry.float_ne:.4f} | {entry.converted_ne:.4f} | "
                    f"{relative.estimate:+.2%} | {relative.lower:+.2%} to {relative.upper:+.2%} |"
                )
        lines.append("")
    words = recognition_words(manifest)
    if words:
        lines += ["Recognition, with all stages:", "", *(f"- {plain(line)}" for line in words), ""]
    card = manifest.calibration
    if card is not None:
        how = "trained (QAT); golden cases from" if card.estimator == "qat" else f"{card.estimator} over"
        lines += [
            f"Ranges: {how} {len(card.samples)} pictures of {plain(card.source)} ({card.strategy}, seed "
            f"{card.seed}; SHA-256 of the inputs {card.digest}).",
            "",
            "| tensor | from | to |",
            "|---|---|---|",
        ]
        lines += [f"| {plain(name)} | {low:.4g} | {high:.4g} |" for name, (low, high) in card.ranges.items()]
        lines.append("")
    return "\n".join(lines)
