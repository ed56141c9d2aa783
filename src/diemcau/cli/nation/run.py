"""One run of the demo: a server, a nation in it, simulated sites against it."""

import asyncio
import contextlib
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from diemcau.app import Running, running
from diemcau.cli.nation.child import run_child
from diemcau.cli.nation.life import cut_about, show_centre
from diemcau.cli.nation.measure import Measure, measured
from diemcau.cli.nation.plan import CENTRE, Plan, plan
from diemcau.cli.nation.seed import Nation, seed
from diemcau.cli.output import answer_json, err, out
from diemcau.cli.sites import link
from diemcau.config import Settings
from diemcau.media.executable import find


class Demo:
    """One run of the demo, or of a load on a server of its own."""

    def __init__(
        self,
        settings: Settings,
        sites: int,
        seed_number: int,
        codec: str,
        hands_every: float,
        clips: Path,
        simulate: bool,
        as_json: bool,
        measure: Measure | None = None,
    ) -> None:
        self.settings, self.sites, self.seed, self.codec = settings, sites, seed_number, codec
        self.measure = measure
        self.hands_every, self.clips, self.simulate, self.as_json = hands_every, clips, simulate, as_json
        self.steps = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=err,
        )
        self.report: dict[str, Any] | None = None
        self._bars: dict[str, Any] = {}

    async def run(self) -> None:
        """Until SIGINT or SIGTERM, or until the simulated sites end."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        work = asyncio.create_task(self._run(stop), name="demo")
        waiting = asyncio.create_task(stop.wait(), name="demo-stop")
        await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not work.done():
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    async def _run(self, stop: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(running(self.settings))
            chosen = plan(server.rooms.units, simulated=self.sites, seed=self.seed)
            with self.steps:
                nation = await seed(
                    server.rooms, chosen, self.settings.data, codec=self.codec, progress=self._progress
                )
            if self.measure is None:
                self._tell(server, chosen, nation)
            async with asyncio.TaskGroup() as group:
                group.create_task(
                    show_centre(server.rooms.meetings, server.rooms.bus, nation.meeting, CENTRE)
                )
                if self.simulate:
                    simulated = group.create_task(self._simulate(server, nation))
                    if self.measure is not None:
                        simulated.add_done_callback(lambda _: stop.set())
                if self.measure is not None:
                    rooms, every = server.rooms, self.measure.cut_every
                    group.create_task(cut_about(rooms.meetings, rooms.bus, nation.meeting, CENTRE, every))
                await stop.wait()

    async def _simulate(self, server: Running, nation: Nation) -> None:
        """Encodes the clips that are missing, then runs the simulated sites."""
        # A demo shows one each at the 24 places of a wall, and is alive half a minute sooner for it; in a
        # measured run more of them can be told apart. The others show one of these.
        count = str(min(self.sites, 64 if self.measure else 24))
        wanted = ["--h264", count, "--vp8", "0"] if self.codec == "h264" else ["--h264", "0", "--vp8", count]
        await run_child(
            sys.executable, "-m", "diemcau.clips", "make",
            "--out", str(self.clips), "--sites", str(nation.credentials), *wanted,
            *(self.measure.clips if self.measure else ()),
        )  # fmt: skip
        arguments = (
            str(find("diemcau-load")), "sites",
            "--server", server.local_url,
            "--credentials", str(nation.credentials),
            "--clips", str(self.clips),
            "--meeting", nation.meeting,
            "--hands-per-minute", str(60 / self.hands_every),
            "--rate", str(self.measure.rate if self.measure else 20),
            "--duration", str(self.measure.duration if self.measure else 0),
            "--python", sys.executable,
            "--exit-with-stdin",
            *([] if self.settings.loopback else ["--allow-remote"]),  # our own media node, by its LAN address
            *(self.measure.options if self.measure else ()),
        )  # fmt: skip
        if self.measure is None:
            await run_child(*arguments)
        else:
            self.report = await measured(server, nation, self.measure, (*arguments, "--json"))

    def _progress(self, step: str, done: int, total: int) -> None:
        if step not in self._bars:
            self._bars[step] = self.steps.add_task(step, total=total)
        self.steps.update(self._bars[step], completed=done)

    def _tell(self, server: Running, chosen: Plan, nation: Nation) -> None:
        site = {"code": nation.code, "link": link(server.url, nation.code), "id": chosen.newcomer}
        people = {
            person.username: {"username": person.username, "password": person.password}
            for person in nation.people
        }
        if self.as_json:
            answer_json(
                {
                    "url": server.url,
                    "operator": people["daodien"],
                    "site": site,
                    "meeting": nation.meeting,
                    "people": people,
                    "spare_sites": [
                        {"id": s, "code": code, "link": link(server.url, code)}
                        for s, code in nation.spare_codes
                    ],
                    "seed": self.seed,
                    "sites": len(chosen.sites),
                    "simulated": len(chosen.simulated),
                    "ca_sha256": server.fingerprint,
                }
            )
            return
        lines = [
            f"[bold]{server.url}[/]",
            "",
            "Operator / đạo diễn hình",
            *(f"  {person.username}  {person.password}  ({person.name})" for person in nation.people),
            "",
            "A commune's site / điểm cầu xã: open in another browser window",
            f"  {site['link']}",
            "",
            f"{len(chosen.sites)} sites, {len(chosen.simulated)} of them simulated;",
            f"{chosen.communes} of {chosen.of_communes} communes take part (seed {self.seed}).",
            "Ctrl-C stops everything.",
        ]
        if server.fingerprint is not None:
            lines += ["", f"Phones on the LAN: trust {server.url}/ca.crt", f"  SHA-256 {server.fingerprint}"]
        out.print(Panel(Group(*lines), title="Điểm Cầu", expand=False))
