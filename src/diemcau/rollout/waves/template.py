"""The text of a message, and what is put in its places. Pure: text in, text out; nothing in it is worked out.

`{day}` and its like are replaced, once: what a value holds is never looked at again. A name that is not known
is refused before anything is sent, so nobody gets a letter with `{dya}` in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from diemcau.errors import BadRequest

MAX_SUBJECT: Final = 150
MAX_BODY: Final = 4_000
_PLACE: Final = re.compile(r"\{([A-Za-z_]{1,20})\}")

VARIABLES: Final = ("site", "path", "wave", "day", "hours", "hotline", "address", "link")
"""What a template may name: label of the site, its unit and those above, name of the wave, its day and hours,
telephone of the technicians, address of the page, and the way in (`link`: with the one-time code where one is
sent, else the address)."""

NEEDED_LINK: Final = "{link}"


class BadTemplate(BadRequest):
    """The text cannot be sent so. Details: `field`, and `name` of a place that there is not."""

    code = "bad_template"
    default = "The text cannot be sent so."


@dataclass(frozen=True, slots=True)
class Template:
    """`subject`: one line. `body`: text of lines."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """What somebody gets."""

    subject: str
    body: str


def checked(subject: str, body: str, *, link: bool) -> Template:
    """The template with its lines as \\n. Raises BadTemplate."""
    if not subject.strip() or len(subject) > MAX_SUBJECT or not subject.isprintable():
        raise BadTemplate(f"the subject is one line of 1 to {MAX_SUBJECT} characters", field="subject")
    text = body.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text or len(text) > MAX_BODY or not all(c.isprintable() or c in "\n\t" for c in text):
        raise BadTemplate(f"the text has 1 to {MAX_BODY} characters", field="body")
    for field, said in (("subject", subject), ("body", text)):
        for match in _PLACE.finditer(said):
            if match[1] not in VARIABLES:
                raise BadTemplate(f"there is no {match[0]}", field=field, name=match[1])
    if link and NEEDED_LINK not in text:
        raise BadTemplate("a text that brings the way in has {link} in it", field="body", name="link")
    if NEEDED_LINK in subject:
        # A subject stands in every mail server's log and on locked screens.
        raise BadTemplate("the way in does not belong in the subject", field="subject", name="link")
    return Template(" ".join(subject.split()), text)


def render(template: Template, values: Mapping[str, str]) -> Rendered:
    """The text for one site. Values are lines without control signs; unknown ones were refused before."""

    def fill(text: str) -> str:
        return _PLACE.sub(lambda match: one_line(values.get(match[1], "")), text)

    return Rendered(one_line(fill(template.subject))[:300], fill(template.body))


def one_line(text: str) -> str:
    """Without line ends and signs that are not shown."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


INVITATION_VI: Final = Template(
    "Lời mời kết nối: {site}, ngày {day}",
    """Kính gửi {site} ({path}),

Điểm cầu của đơn vị vào "{wave}": ngày {day}, {hours}.
Đề nghị đơn vị bố trí máy tính có camera, micro và người phụ trách.

1. Mở: {link}
2. Bật camera và micro, làm bài tự kiểm tra (khoảng 2 phút).
3. Giữ trang mở đến hết giờ của đợt.

Vướng mắc xin gọi kỹ thuật: {hotline}""",
)
INVITATION_EN: Final = Template(
    "Invitation to connect {site}, {day}",
    """To {site} ({path}),

Your site comes in with "{wave}": {day}, {hours}.
Please have a computer with camera and microphone ready, and somebody to look after it.

1. Open: {link}
2. Turn on camera and microphone and do the self-test (about 2 minutes).
3. Keep the page open until the hours of the wave are over.

Questions: call the technicians, {hotline}""",
)
REMINDER_VI: Final = Template(
    "Nhắc: {site} chưa kết nối, đợt ngày {day}",
    """Kính gửi {site} ({path}),

Điểm cầu của đơn vị chưa kết nối. "{wave}": ngày {day}, {hours}.
Mở: {link}
Cần giúp xin gọi kỹ thuật: {hotline}""",
)
REMINDER_EN: Final = Template(
    "Reminder: {site} is not connected yet, wave of {day}",
    """To {site} ({path}),

Your site has not connected yet. "{wave}": {day}, {hours}.
Open: {link}
For help call the technicians: {hotline}""",
)
SMS_VI: Final = "{site}: dot ket noi {day}, {hours}. Mo {link} . Ho tro: {hotline}"
DEFAULTS: Final[Mapping[str, Mapping[str, Template]]] = {
    "vi": {"invitation": INVITATION_VI, "reminder": REMINDER_VI},
    "en": {"invitation": INVITATION_EN, "reminder": REMINDER_EN},
}
"""Language, then kind."""
