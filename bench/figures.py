"""What was measured, line by line, each beside its target."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bench.alignment import SPREAD_MAX, Piece
from bench.meeting import Held, Look
from bench.processes import Memory
from recorder.audio import TICKS_PER_SECOND

CPU_RATIO_MAX = 1.25
RSS_MIB_MAX = 64.0
GROWTH_MIB_MAX = 1.0
SETTLING_SECONDS = 30.0
"""At the beginning of a recording, not counted in a growth: libraries are still being read in."""
CORRELATION_MIN = 0.95
SIGNED_SECONDS_MAX = 1.0
ASTRAY_MAX = 6
"""Places that are named in the table; all are in the JSON."""


class Line(msgspec.Struct, frozen=True):
    """One figure; `kept` is None where there is no target."""

    name: str
    value: str
    target: str = ""
    kept: bool | None = None

    @property
    def verdict(self) -> str:
        return "" if self.kept is None else "kept" if self.kept else "MISSED"


def lines(
    held: Held,
    opusenc_cpu: Sequence[float],
    source_seconds: int,
    decoded: int,
    pieces: list[Piece],
    twin_likeness: float,
) -> list[Line]:
    """`opusenc_cpu`: seconds for each run over the source; `decoded`: samples in our file; `twin_likeness`: of opusenc's."""
    seconds = held.account["counts"]["seconds"]
    return [
        Line("recorded", f"{seconds:.2f} s, {held.account['outcome']}, {held.account['verified']}", "", None),
        *_cpu(held, opusenc_cpu, source_seconds, seconds),
        *_memory(held.looks),
        *_samples(held, decoded, pieces, twin_likeness),
        _latency(held),
        *_blocks(held, seconds),
    ]


def _cpu(held: Held, opusenc_cpu: Sequence[float], source_seconds: int, seconds: float) -> list[Line]:
    reference = statistics.mean(opusenc_cpu) * seconds / source_seconds
    ratio = (held.after.total + held.guard_cpu) / reference
    starting = held.before.total
    first, last = next(look for look in held.looks if look.seconds >= SETTLING_SECONDS), held.looks[-1]
    steady = (last.cpu - first.cpu) / (last.seconds - first.seconds)
    opusenc = statistics.mean(opusenc_cpu) / source_seconds
    return [
        Line(
            "CPU, daemon, capture and guard, to opusenc",
            f"{ratio:.2f} x",
            f"at most {CPU_RATIO_MAX} x",
            ratio <= CPU_RATIO_MAX,
        ),
        Line("  opusenc, before and after", " and ".join(f"{each:.2f} s" for each in opusenc_cpu)),
        Line("  daemon, from its start", f"{held.after.own:.2f} s, of which {starting:.2f} s before the meeting"),
        Line("  guard, from its start", f"{held.guard_cpu:.2f} s"),
        Line("  capture process, from its start", f"{held.after.children - held.before.children:.2f} s"),
        Line(
            "  while it records, without start and end",
            f"{steady / opusenc:.2f} x; an hour is {steady * 3600:.0f} s to {opusenc * 3600:.0f} s",
        ),
    ]


def _memory(looks: list[Look]) -> list[Line]:
    found = []
    processes: list[tuple[str, Callable[[Look], Memory]]] = [
        ("daemon", lambda look: look.daemon),
        ("capture process", lambda look: look.capture),
    ]
    for name, of in processes:
        peak = max(of(look).peak for look in looks) / 1024
        found.append(
            Line(f"memory, {name}, peak RSS", f"{peak:.1f} MiB", f"below {RSS_MIB_MAX:.0f} MiB", peak < RSS_MIB_MAX)
        )
        settled = [of(look).rss / 1024 for look in looks if look.seconds >= SETTLING_SECONDS]
        quarter = max(1, len(settled) // 4)
        growth = statistics.median(settled[-quarter:]) - statistics.median(settled[:quarter])
        found.append(
            Line(
                "  last quarter above the first",
                f"{growth:+.2f} MiB",
                f"at most {GROWTH_MIB_MAX:.0f} MiB",
                growth <= GROWTH_MIB_MAX,
            )
        )
    rss = max(look.daemon.rss + look.capture.rss for look in looks) / 1024
    shares = [look.daemon.pss + look.capture.pss for look in looks if look.daemon.pss and look.capture.pss]
    found.append(Line("  both together, RSS", f"{rss:.1f} MiB"))
    found.append(Line("  both together, PSS", f"{max(shares) / 1024:.1f} MiB" if shares else "only root may read it"))
    return found


def _samples(held: Held, decoded: int, pieces: list[Piece], twin_likeness: float) -> list[Line]:
    counts, gaps = held.account["counts"], held.account["gaps"]
    places = sum(len(piece.lags) for piece in pieces)
    steady = bool(pieces) and all(piece.steady for piece in pieces)
    lags = "; ".join(
        f"{piece.lag:.1f} within {piece.spread:.2f}"
        if piece.steady
        else f"{piece.lag:.1f}, but "
        + " ".join(f"{lag:.1f} at {place / TICKS_PER_SECOND:.1f} s" for place, lag in piece.astray[:ASTRAY_MAX])
        for piece in pieces
    )
    correlation = min((piece.correlation for piece in pieces), default=0.0)
    likeness = min((piece.likeness for piece in pieces), default=0.0)
    missing = ", ".join(
        f"{gap['length'] / TICKS_PER_SECOND:.3f} s at {gap['position'] / TICKS_PER_SECOND:.1f} s, {gap['cause']}"
        for gap in gaps
    )
    return [
        Line("samples decoded by opusdec", f"{decoded}", f"{counts['ticks']}, as sealed", decoded == counts["ticks"]),
        Line(
            f"lag behind the speech, at {places} places", f"{lags} samples", f"within {SPREAD_MAX} everywhere", steady
        ),
        Line(
            "correlation with opusenc's own file",
            f"{correlation:.4f}",
            f"at least {CORRELATION_MIN}",
            correlation >= CORRELATION_MIN,
        ),
        Line("  with the speech", f"{likeness:.4f}; opusenc's file {twin_likeness:.4f}"),
        Line("declared gaps", missing or "none"),
    ]


def _latency(held: Held) -> Line:
    latency = held.account["latencies_ms"]["grace_over_to_signed"]
    return Line(
        "end of the grace period to signed for",
        "never" if latency is None else f"{latency / 1000:.3f} s",
        f"below {SIGNED_SECONDS_MAX} s",
        latency is not None and latency / 1000 < SIGNED_SECONDS_MAX,
    )


def _blocks(held: Held, seconds: float) -> list[Line]:
    overhead = held.sealed_bytes / held.packet_bytes - 1
    hour = 3600 / seconds / 1e6
    many = ", ".join(f"{count} x {size}" for size, count in held.block_sizes.items())
    return [
        Line("sizes of a block", f"{len(held.block_sizes)} ({many} bytes)"),
        Line("sealing adds", f"{100 * overhead:.1f} % to the packets"),
        Line("sealed, an hour", f"{held.sealed_bytes * hour:.1f} MB"),
        Line("written to flash, an hour", f"{held.written_bytes * hour:.1f} MB"),
    ]


def json_of(held: Held) -> dict[str, Any]:
    """Everything that the lines are made of."""
    return {
        "account": held.account,
        "settings": {"opus": msgspec.to_builtins(held.settings.opus), "seal": msgspec.to_builtins(held.settings.seal)},
        "cpu_seconds": {
            "daemon_before": held.before.own,
            "daemon": held.after.own,
            "capture": held.after.children,
            "guard": held.guard_cpu,
        },
        "looks": [
            {
                "seconds": look.seconds,
                "daemon": look.daemon.json(),
                "capture": look.capture.json(),
                "cpu_seconds": look.cpu,
            }
            for look in held.looks
        ],
        "written_bytes": held.written_bytes,
        "sealed_bytes": held.sealed_bytes,
        "packet_bytes": held.packet_bytes,
        "block_sizes": {str(size): count for size, count in held.block_sizes.items()},
    }
