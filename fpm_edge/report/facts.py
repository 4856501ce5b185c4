"""What differs between two reports besides the measurements: data, bundles, environment."""

from collections.abc import Iterable, Mapping

from fpm_edge.report.changes import FactChange
from fpm_edge.report.data import BundleFacts, Environment, ReportData, Variant

__all__ = ["changed_facts", "same_device"]

_NONE = "–"
# Of a digest, as people compare them.
_SHOWN = 12

_Facts = dict[str, str]


def changed_facts(a: ReportData, b: ReportData, pairs: Iterable[tuple[Variant, Variant]]) -> tuple[FactChange, ...]:
    """Every fact that is not the same on both sides, in the order data, bundles, engines, environment."""
    found = _differences("data ", _data(a), _data(b))
    seen = set()
    for mine, other in pairs:
        bundles = (mine.bundle, other.bundle)
        if bundles not in seen:
            seen.add(bundles)
            title = bundles[0] if bundles[0] == bundles[1] else f"{bundles[0]} → {bundles[1]}"
            found += _differences(f"{title}: ", _bundle(a, mine.bundle), _bundle(b, other.bundle))
    engines = {(one.engine, one.engine_version, other.engine_version) for one, other in pairs}
    found += [FactChange(name, old, new) for name, old, new in sorted(engines) if old != new]
    return (*found, *_differences("", _environment(a.environment), _environment(b.environment)))


def same_device(a: Environment, b: Environment) -> bool:
    """Whether two runs seem to have been made on the same kind of device with the same settings and versions."""
    return _device(a) == _device(b)


def _device(facts: Environment) -> tuple[object, ...]:
    return facts.cpu, facts.logical_cpus, facts.system, facts.python, facts.threads, dict(facts.packages)


def _data(report: ReportData) -> _Facts:
    data = report.dataset
    return {
        "name": data.name,
        "pictures": str(data.pictures),
        "labelled points": str(data.points),
        "landmarks": data.schema,
        "annotations (SHA-256)": data.digest[:_SHOWN],
        "bad rows left out": str(data.skipped),
    }


def _bundle(report: ReportData, label: str) -> _Facts:
    facts: BundleFacts | None = next((one for one in report.bundles if one.label == label), None)
    if facts is None:
        return {}
    found = {
        "file (SHA-256)": facts.digest[:_SHOWN],
        "made": facts.created,
        "precision": facts.precision,
        "method": facts.method,
        "stages": str(facts.stages),
        "input": f"{facts.input[0]} × {facts.input[1]}",
        "landmarks": facts.landmarks,
        "drift budget": _NONE if facts.max_ne_drift is None else f"{facts.max_ne_drift:g}",
    }
    if facts.calibration is not None:
        card = facts.calibration
        found["calibration"] = f"{card.estimator}, {card.strategy}, {len(card.samples)} of {card.source}"
        found["calibration inputs (SHA-256)"] = card.digest[:_SHOWN]
    return found | {f"made with {name}": version for name, version in facts.versions.items()}


def _environment(facts: Environment) -> _Facts:
    found = {
        "processor": facts.cpu,
        "logical processors": str(facts.logical_cpus),
        "system": facts.system,
        "Python": facts.python,
        "threads": str(facts.threads),
        "rounds timed": str(facts.repeats),
    }
    return found | dict(facts.packages)


def _differences(prefix: str, a: Mapping[str, str], b: Mapping[str, str]) -> list[FactChange]:
    names = dict.fromkeys((*a, *b))
    return [
        FactChange(prefix + name, a.get(name, _NONE), b.get(name, _NONE))
        for name in names
        if a.get(name) != b.get(name)
    ]
