"""Makes the clips of a demo or a load test: a folder with `index.json` and the files it names.

What is there already is not made again: a file's name is a hash of all that goes into it.
"""

import hashlib
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from diemcau.clips.container import Clip, Packet, Stream, write
from diemcau.clips.draw import Card
from diemcau.clips.encode import Shape, VideoCodec, picture, speech, video
from diemcau.clips.errors import ClipsError

# Counts up when the drawing or the encoding changes, so that older files are not taken for new ones.
EDITION: Final = 1
MAX_CLIPS: Final = 1024
MAX_PICTURES: Final = 2_000
VOICES: Final = 4
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class ClipSite:
    """A simulated site: its id, what people call it, and its unit's code."""

    site: str
    name: str
    code: str


def demo_sites(count: int) -> list[ClipSite]:
    """Sites with made-up names, for benches and tests."""
    return [ClipSite(f"demo-{i}", f"Điểm cầu thử nghiệm {i + 1}", f"{i + 1:05d}") for i in range(count)]


def read_sites(path: Path) -> list[ClipSite]:
    """Sites from JSON lines with `site`, `name`, `code`; other fields are ignored. Raises `ClipsError`."""
    sites = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            sites.append(ClipSite(str(row["site"]), str(row["name"])[:200], str(row["code"])[:20]))
        except (ValueError, KeyError, TypeError) as error:
            raise ClipsError(f"{path}:{number}: not a site: {error}") from error
    return sites


@dataclass(frozen=True)
class _Job:
    path: Path
    kind: str
    seed: int
    cards: tuple[Card, ...]
    shape: Shape


def make(
    out: Path,
    sites: Sequence[ClipSite],
    *,
    h264: int = 16,
    vp8: int = 4,
    shape: Shape | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Makes H.264 clips of the first `h264` sites, VP8 clips of the first `vp8`, voices, all snapshots.

    Returns the path of `index.json`. A site without a clip of its own shows one of those that are there.
    """
    shape = shape or Shape()
    if not sites or max(h264, vp8) < 1:
        raise ClipsError("clips of no site were asked for")
    out.mkdir(parents=True, exist_ok=True)
    cards = [Card(i, site.name, site.code) for i, site in enumerate(sites[:MAX_PICTURES])]
    clips: list[dict[str, Any]] = []
    jobs: list[_Job] = []
    for i, site in enumerate(sites[: min(max(h264, vp8), MAX_CLIPS)]):
        entry: dict[str, Any] = asdict(site) | {"number": i, "h264": None, "vp8": None}
        for codec, limit in (("h264", h264), ("vp8", vp8)):
            if i < limit:
                jobs.append(_job(out, codec, i, (cards[i],), shape))
                entry[codec] = jobs[-1].path.name
        clips.append(entry)
    voices = [_job(out, "voice", seed, (), shape) for seed in range(VOICES)]
    # A snapshot shows the time code too, with the number that the site's clip has.
    pictures = _job(out, "pictures", 0, tuple(cards), shape)
    jobs += [*voices, pictures]
    missing = [job for job in jobs if not job.path.exists()]
    _run(missing, workers or os.cpu_count() or 1, progress)
    index = {
        "version": 1,
        "loop_ms": shape.loop_ms,
        "fps": shape.fps,
        "clips": clips,
        "voices": [job.path.name for job in voices],
        "pictures": pictures.path.name,
        "picture_sites": [site.site for site in sites[:MAX_PICTURES]],
    }
    path = out / "index.json"
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(index, ensure_ascii=False, indent=1), "utf-8")
    beside.replace(path)
    return path


def _job(out: Path, kind: str, seed: int, cards: tuple[Card, ...], shape: Shape) -> _Job:
    told = json.dumps(
        [EDITION, kind, seed, [asdict(card) for card in cards], asdict(shape)], ensure_ascii=False
    )
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    return _Job(out / f"{kind}-{digest}.dcc", kind, seed, cards, shape)


def _run(jobs: Iterable[_Job], workers: int, progress: Progress | None) -> None:
    waiting = list(jobs)
    total = len(waiting)
    if not waiting:
        return
    # Spawned, not forked: the caller may be a server with threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, total), mp_context=context, initializer=_end_with_parent) as pool:
        running: set[Future[str]] = {pool.submit(_make_one, job) for job in waiting}
        done_count = 0
        if progress:
            progress(0, total, "")
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    done_count += 1
                    label = future.result()
                    if progress:
                        progress(done_count, total, label)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """A worker whose parent was stopped or killed in the middle of a clip does not go on with it."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _make_one(job: _Job) -> str:
    first = job.cards[0] if job.cards else Card(job.seed, "", "")
    if job.kind == "voice":
        streams = speech(job.seed, job.shape)
    elif job.kind == "pictures":
        jpegs = [Packet(i, picture(card, job.shape), True) for i, card in enumerate(job.cards)]
        streams = [Stream("jpeg", job.shape.loop_ms, packets=jpegs)]
    else:
        codec: VideoCodec = "h264" if job.kind == "h264" else "vp8"
        streams = video(first, codec, job.shape)
    name = first.name if job.kind in ("h264", "vp8") else ""
    write(job.path, Clip(first.number, name, first.code, streams))
    return f"{job.kind} {name}".strip()
