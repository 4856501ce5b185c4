"""Energy counters of the processor, where the system lets them be read."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["EnergyMeter", "find_meter"]

_POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class _Counter:
    """One package's counter in microjoules, which starts again at 0 after `wraps`."""

    file: Path
    wraps: int


@dataclass(frozen=True)
class EnergyMeter:
    """Running average power limit (RAPL) counters of all packages: everything that the processors used.

    Attributes:
        source: what is read, in words.
        counters: one for each package.
    """

    source: str
    counters: tuple[_Counter, ...]

    def read(self) -> tuple[int, ...]:
        """Microjoules of each counter. Raises OSError where it cannot be read any more."""
        return tuple(_number(counter.file) for counter in self.counters)

    def millijoules(self, before: tuple[int, ...], after: tuple[int, ...]) -> float:
        """Used between two `read`\\ s that are closer than a counter takes to wrap (minutes)."""
        used = (
            end - start if end >= start else end - start + counter.wraps
            for counter, start, end in zip(self.counters, before, after, strict=True)
        )
        return sum(used) / 1e3


def find_meter(powercap: Path = _POWERCAP) -> EnergyMeter | str:
    """The counters, or in words why there are none."""
    if not powercap.is_dir():
        return f"there is no {powercap}: this system has no RAPL counters"
    # Not the zones within a package (intel-rapl:0:0), nor the second way to the same package (intel-rapl-mmio:0).
    zones = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if zone.name.count(":") == 1]
    try:
        packages = [zone for zone in zones if (zone / "name").read_text().startswith("package")]
        counters = tuple(_Counter(zone / "energy_uj", _number(zone / "max_energy_range_uj") + 1) for zone in packages)
        meter = EnergyMeter(f"RAPL, {len(counters)} package{'s' * (len(counters) > 1)}", counters)
        meter.read()
    except PermissionError as error:
        return f"{error.filename} is for root only: run as root, or let this user read it"
    except (OSError, ValueError) as error:
        return f"the counters in {powercap} cannot be read: {error}"
    return meter if counters else f"{powercap} has no package with RAPL counters"


def _number(file: Path) -> int:
    return int(file.read_text())
