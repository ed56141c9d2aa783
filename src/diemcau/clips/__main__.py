"""`python -m diemcau.clips make | watch`."""

import argparse
import sys
from pathlib import Path

from diemcau.clips import ClipsError, require


def main(arguments: list[str] | None = None) -> int:
    """Runs one of the two commands; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m diemcau.clips", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="encode the clips that simulated sites publish")
    make.add_argument("--out", type=Path, required=True)
    which = make.add_mutually_exclusive_group(required=True)
    which.add_argument("--sites", type=Path, help="JSON lines with site, name, code")
    which.add_argument("--count", type=int, help="made-up sites")
    make.add_argument("--h264", type=int, default=16, help="sites with an H.264 clip of their own")
    make.add_argument("--vp8", type=int, default=4, help="sites with a VP8 clip of their own")
    make.add_argument("--loop-ms", type=int, default=3000)
    make.add_argument("--fps", type=int, default=15)
    make.add_argument(
        "--phases", type=int, default=15, help="encodings a layer; a PLI waits loop / phases at most"
    )
    make.add_argument(
        "--kbps", type=int, nargs=2, metavar=("LOW", "HIGH"), default=(100, 350), help="rate of each layer"
    )
    make.add_argument("--workers", type=int, default=None)
    watch = commands.add_parser("watch", help="decode frames on standard input and read their time code")
    watch.add_argument("--loop-ms", type=int, required=True)
    options = parser.parse_args(arguments)
    try:
        require()
        return _make(options) if options.command == "make" else _watch(options)
    except ClipsError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 130


def _make(options: argparse.Namespace) -> int:
    from diemcau.clips.encode import LayerShape, Shape
    from diemcau.clips.make import demo_sites, make, read_sites

    sites = read_sites(options.sites) if options.sites else demo_sites(options.count)
    low, high = options.kbps
    shape = Shape(
        loop_ms=options.loop_ms,
        fps=options.fps,
        phases=options.phases,
        layers=(
            LayerShape("low", 320, 180, low * 1000),
            LayerShape("high", 640, 360, high * 1000),
        ),
    )
    path = make(
        options.out,
        sites,
        h264=options.h264,
        vp8=options.vp8,
        shape=shape,
        workers=options.workers,
        progress=progress_bar,
    )
    sys.stdout.write(f"{path}\n")
    return 0


def progress_bar(done: int, total: int, label: str) -> None:
    """Draws one line on standard error; nothing when that is not a terminal, except the last."""
    last = done == total
    if not sys.stderr.isatty() and not last:
        return
    filled = 30 * done // max(total, 1)
    bar = "#" * filled + "." * (30 - filled)
    sys.stderr.write(f"\r\x1b[Kclips [{bar}] {done}/{total} {label[:40]}" + ("\n" if last else ""))
    sys.stderr.flush()


def _watch(options: argparse.Namespace) -> int:
    from diemcau.clips.watch import watch

    watch(sys.stdin.buffer, sys.stdout, options.loop_ms)
    return 0


if __name__ == "__main__":
    sys.exit(main())
