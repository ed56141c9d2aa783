"""Half an hour of churn: sites join and leave five times a second, half of them without a word; memory and
descriptors of control, media node and clients have to stay flat.

    python -m bench.soak [--minutes 30] [--sites 400] [--churn 5] [--plot docs/screens/soak.svg]
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, linear_regression
from typing import Any

from bench.machine import machine
from bench.plot import Panel, chart

PARTS = ("control", "node", "clients")
EVERY_S = 10
WARM = 1 / 6
"""Share of the run in which caches, pools and the tables of past clients fill: not judged."""

FLAT = 0.05
"""Growth over the judged part, as a share of its mean, that still counts as flat."""


def growth(times: Sequence[float], values: Sequence[float]) -> float:
    """What a straight line through the values rises by from first to last, as a share of their mean."""
    mean = fmean(values)
    if mean == 0:
        return 0.0
    slope = linear_regression(times, values).slope
    return slope * (times[-1] - times[0]) / mean


def judge(samples: Sequence[dict[str, Any]]) -> list[tuple[str, float, bool]]:
    """(quantity, growth, flat) of each part's memory and descriptors; of the clients they are not judged."""
    judged = samples[int(len(samples) * WARM) :]
    times = [sample["s"] for sample in judged]
    rows = []
    for key, name in (("rss_mb", "memory"), ("descriptors", "descriptors")):
        for part in ("control", "node"):
            rose = growth(times, [sample[key][part] for sample in judged])
            rows.append((f"{part}: {name}", rose, rose <= FLAT))
    return rows


def panels(samples: Sequence[dict[str, Any]]) -> list[Panel]:
    """What is drawn."""
    titles = {"rss_mb": "Memory, MB", "descriptors": "Open descriptors"}
    return [
        Panel(title, {part: [sample[key][part] for sample in samples] for part in PARTS})
        for key, title in titles.items()
    ]


def main() -> int:
    """Runs it, prints what rose by how much and the line; exits non-zero when something is not flat."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--sites", type=int, default=400)
    parser.add_argument("--churn", type=float, default=5)
    parser.add_argument("--plot", type=Path, default=None, help="write the SVG there")
    options = parser.parse_args()
    command = [
        *(sys.executable, "-m", "diemcau", "load", "--sites", str(options.sites), "--light"),
        *("--duration", str(options.minutes * 60), "--sample-every", str(EVERY_S)),
        *("--churn", str(options.churn), "--cut-every", "5", "--json"),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-500:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    samples, counters, counts = report["samples"], report["counters"], report["more"]["counts"]
    rows = judge(samples)
    for name, rose, flat in rows:
        print(f"{'     ' if flat else 'MISS '} {name:<22} {rose * 100:+.1f} % after the first {WARM:.0%}")
    lost = counters["video_lost"] + counters["audio_lost"]
    print(f"{options.sites} sites, {options.minutes:g} minutes, {options.churn:g} leave and join a second:")
    print(f"  {counts}")
    print(f"  {lost} packets lost, freezes {counters['freezes']}, breaches {report['violations'] or 0}")
    if options.plot is not None:
        heading = f"{options.sites} sites, {options.churn:g} a second leave and come back"
        times = [sample["s"] / 60 for sample in samples]
        options.plot.write_text(chart(heading, "min", times, panels(samples)))
    print(json.dumps({"bench": "soak", "machine": machine(), "rows": rows, "report": report}))
    return 0 if all(flat for _, _, flat in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
