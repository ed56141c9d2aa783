"""Fills an empty server with the demo nation."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from diemcau.access import SYSTEM, Grant, Role
from diemcau.app import Rooms
from diemcau.cli.nation.life import command
from diemcau.cli.nation.plan import CENTRE, Plan
from diemcau.cli.people import new_password
from diemcau.meetings import NewMeeting
from diemcau.sites import ScopeEntry

TITLE = "Họp trực tuyến toàn quốc (diễn tập)"
LEVELS = ("nation", "province", "district", "commune")

TOGETHER = 200
"""Activations asked for at once: the store writes them in groups."""

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, of how much."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """Somebody who can log in."""

    username: str
    password: str
    name: str


@dataclass(frozen=True, slots=True)
class Nation:
    """What was made. `code`: of the newcomer's site; `credentials`: file for the simulated sites."""

    meeting: str
    people: tuple[LogIn, ...]
    code: str
    spare_codes: tuple[tuple[str, str], ...]
    credentials: Path


async def seed(rooms: Rooms, plan: Plan, folder: Path, *, codec: str, progress: Progress) -> Nation:
    """Sites, people, an open meeting, activation codes, and devices for the simulated sites."""
    progress("sites", 0, len(plan.sites))
    made = 0
    for start in range(0, len(plan.sites), 1000):
        made += len(await rooms.sites.create(SYSTEM, plan.sites[start : start + 1000]))
        progress("sites", made, len(plan.sites))
    people = await _people(rooms)
    progress("meeting", 0, 1)
    meeting = await rooms.meetings.create(
        SYSTEM,
        NewMeeting(
            secrets.token_hex(8),
            TITLE,
            (ScopeEntry("VN", LEVELS),),
            "vp8" if codec == "vp8" else "h264",
            CENTRE,
        ),
    )
    await command(rooms.meetings, SYSTEM, "meeting.open", meeting.id)
    progress("meeting", 1, 1)
    credentials = await _devices(rooms, plan, folder, progress)
    codes = await rooms.sites.issue_codes(SYSTEM, [plan.newcomer, *plan.spare])
    by_site = {issued.site: issued.code for issued in codes}
    return Nation(
        meeting=meeting.id,
        people=people,
        code=by_site[plan.newcomer],
        spare_codes=tuple((site, by_site[site]) for site in plan.spare),
        credentials=credentials,
    )


async def _people(rooms: Rooms) -> tuple[LogIn, ...]:
    wanted = (
        ("daodien", "Trần Thị Bình", "Đạo diễn hình", Role.DIRECTOR),
        ("chutri", "Nguyễn Văn An", "Chủ trì", Role.CHAIR),
        ("thuky", "Lê Thu Cúc", "Thư ký", Role.SECRETARY),
        ("kythuat", "Phạm Minh Đức", "Kỹ thuật viên", Role.TECHNICIAN),
    )
    made = []
    for username, name, title, role in wanted:
        password = new_password()
        await rooms.access.add_person(
            SYSTEM, username=username, password=password, name=name, title=title, grants=[Grant(role, "VN")]
        )
        made.append(LogIn(username, password, name))
    return tuple(made)


async def _devices(rooms: Rooms, plan: Plan, folder: Path, progress: Progress) -> Path:
    """Device credentials of the simulated sites, one JSON document a line, mode 0600."""
    path = folder / "simulated.jsonl"
    path.touch(mode=0o600)
    issued = await rooms.sites.issue_codes(SYSTEM, plan.simulated)
    known = await rooms.sites.get_many(plan.simulated)
    with path.open("wb") as file:
        for start in range(0, len(issued), TOGETHER):
            # An address of its own for each, as in the field: the rate limit of activations is per address.
            some = enumerate(issued[start : start + TOGETHER], start)
            for activation in await asyncio.gather(
                *(rooms.access.activate(code.code, address=f"demo-{number}") for number, code in some)
            ):
                site = known[activation.site]
                line = {
                    "site": site.id,
                    "credential": activation.credential,
                    "name": site.label,
                    "code": site.unit,
                }
                file.write(orjson.dumps(line) + b"\n")
            progress("devices", min(start + TOGETHER, len(issued)), len(issued))
    return path
