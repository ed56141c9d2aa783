"""The table of a load run."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

_TIMES = (
    ("join_ms", "join: first request to first decodable frame"),
    ("cut_ms", "cut: decided to first decodable frame"),
    ("transit_ms", "sender to viewer"),
)
_MORE = (
    ("event_ms", "event: stored to read by a site"),
    ("got_ms", "message to all: stored to acknowledged by the page and that stored"),
    ("answered_ms", "its answer: sent to stored"),
    ("publish_ms", "asked to publish to connected"),
)


def table(report: Mapping[str, Any]) -> Table:
    """What happened, how long it took, what each part used."""
    made = Table(title=f"{report['more']['sites']} sites, {report['seconds']:.0f} s, {report['cores']} cores")
    for name in ("", "p50", "p95", "p99", "max"):
        made.add_column(name, justify="left" if not name else "right")
    decoded = report.get("decoded") or {}
    rows = [(label, report.get(key)) for key, label in _TIMES]
    rows.append(("glass to glass, decoded", decoded.get("glass_ms")))
    rows += [(label, report["more"].get(key)) for key, label in _MORE]
    for label, times in rows:
        if times and times["count"]:
            figures = [f"{times[name]:.0f}" for name in ("p50", "p95", "p99", "max")]
            made.add_row(f"{label}, ms ({times['count']})", *figures)
    made.add_section()
    for label, value in _facts(report):
        made.add_row(f"{label}: {value}")
    return made


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    counters, parts, more = report["counters"], report.get("parts", {}), report["more"]
    seconds = more.get("join_seconds")
    facts = [
        (
            "joined",
            f"{counters['pictured']} of {more['sites']} saw a picture"
            + (f", the last after {seconds:.1f} s" if seconds else ""),
        ),
        (
            "lost",
            f"{counters['video_lost']} of {counters['video_packets']} video, "
            f"{counters['audio_lost']} of {counters['audio_packets']} audio packets",
        ),
        ("freezes over 300 ms, or 1.5 frames", str(counters["freezes"])),
        ("cuts awaited, missed", f"{counters['cuts']}, {counters['cuts_missed']}"),
        ("breaches", str(report["violations"] or "none")),
    ]
    for phase, name in (("join", "while joining"), ("run", "in the meeting")):
        if used := parts.get(phase):
            cores = ", ".join(f"{part} {share:.2f}" for part, share in used["cores"].items())
            facts.append((f"cores {name}", cores))
            facts.append((f"memory {name}, MB", str(used["rss_mb"])))
            facts.append((f"dropped by the kernel {name}", str(used["kernel_drops"])))
    if joining := parts.get("join", {}).get("server_cpu_ms_a_join"):
        facts.append(("server's processor a join, ms", str(joining)))
    if memory := parts.get("kb_a_site"):
        facts.append(("memory a site, kB", str(memory)))
    own = report["self"]
    facts.append(
        (
            "the clients' own shortcomings",
            f"{own['own_drops']} drops, {own['send_blocked']} blocked, {own['late_frames']} frames late",
        )
    )
    return facts
