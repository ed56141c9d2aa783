"""A wave: the sites that are to come in on one day."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from diemcau.errors import BadRequest, Conflict, JsonValue, NotFound, WrongState

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
FIRST_DAY: Final = date(2020, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Wave:
    """`day`, `start`, `end`: when its sites are to come in, Hà Nội time. `unit`: the subtree in which all its
    sites lay when it was planned. `revision`: grows when day or hours change: who was told the old ones is
    told anew."""

    id: str
    name: str
    day: date
    start: time
    end: time
    unit: str
    revision: int = 0

    @property
    def hours(self) -> str:
        """ "07:30-11:00"."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    @property
    def ends_at(self) -> datetime:
        """When it is over."""
        return instant(self.day, self.end)

    def to_json(self) -> dict[str, JsonValue]:
        """As the API says it, without counts."""
        return {
            "id": self.id,
            "name": self.name,
            "day": self.day.isoformat(),
            "start": f"{self.start:%H:%M}",
            "end": f"{self.end:%H:%M}",
            "unit": self.unit,
            "revision": self.revision,
        }


def instant(day: date, at: time) -> datetime:
    """That time of that day in Hà Nội, in UTC."""
    return datetime.combine(day, at, ZONE).astimezone(UTC)


def clock_of(text: str, field: str) -> time:
    """ "07:30". Raises BadRequest."""
    if not _CLOCK.fullmatch(text):
        raise BadRequest(f"{field} is HH:MM", field=field)
    return time.fromisoformat(text)


def day_of(text: str, field: str = "day") -> date:
    """ "2021-09-05". Raises BadRequest."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{field} is YYYY-MM-DD", field=field) from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise BadRequest(f"{field} is no day of ours", field=field)
    return found


def name_of(text: str) -> str:
    """A name on one line. Raises BadRequest."""
    clean = " ".join(text.split())
    if not 1 <= len(clean) <= 120 or not clean.isprintable():
        raise BadRequest("name has 1 to 120 characters", field="name")
    return clean


class WaveNotFound(NotFound):
    """No wave has this id, or none of its sites is the asker's to see. Details: `wave`."""

    code = "wave_not_found"
    default = "There is no such wave."


class SendingNotFound(NotFound):
    """There is no such sending in a wave that the asker may see. Details: `sending`."""

    code = "sending_not_found"
    default = "There is no such sending."


class PlanChanged(Conflict):
    """The sites that the plan takes are not those that the preview counted. Details: `total`."""

    code = "plan_changed"
    default = "The sites have changed since the preview: look again."


class SiteInWave(Conflict):
    """A site is in another wave and moving was not asked for, or is not the asker's to do. Details: `site`,
    `count`."""

    code = "site_in_wave"
    default = "Some of these sites are in another wave."


class NothingToPlan(BadRequest):
    """No site fits."""

    code = "nothing_to_plan"
    default = "No site fits: there is nothing to plan."


class NobodyToTell(WrongState):
    """Nobody is left who has not got this message and can be reached."""

    code = "nobody_to_tell"
    default = "There is nobody left to send this to."


class MailNotSet(WrongState):
    """This installation has no mail server."""

    code = "mail_not_set"
    default = "No mail server is set up: see DIEMCAU_SMTP_HOST."
