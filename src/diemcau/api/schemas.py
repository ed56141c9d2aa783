"""Shapes of requests and answers (docs/protocol.md); what TypeScript's types are made from."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from diemcau.access import IceServers as Relays

Id = Annotated[str, Field(min_length=1, max_length=64)]
Code = Annotated[str, Field(min_length=1, max_length=16)]
Level = Literal["nation", "province", "district", "commune"]
LEVELS = ("nation", "province", "district", "commune")
Codec = Literal["h264", "vp8"]
Secrecy = Literal["none", "confidential", "secret", "top_secret"]
Offer = Annotated[str, Field(min_length=1, max_length=100_000)]


class Strict(BaseModel):
    """A request: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LogIn(Strict):
    """`POST /session`."""

    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


Proven = Annotated[str, Field(min_length=1, max_length=128)]


class ActivationRequest(Strict):
    """`POST /activation`. `key`: the device's public key (P-256, uncompressed point, base64url); `nonce` and
    `signature`: the proof that it holds the private one; `replace`: a browser that already is a site shall
    become the code's."""

    code: Annotated[str, Field(min_length=1, max_length=64)]
    key: Proven
    nonce: Proven
    signature: Proven
    replace: bool = False


class ChallengeRequest(Strict):
    """`POST /device/challenge`."""

    purpose: Literal["activate", "session"]


class Challenge(BaseModel):
    """What the device signs, within `life_s` seconds, once."""

    nonce: str
    life_s: int


class SessionRequest(Strict):
    """`POST /device/session`: the device's name, and its proof."""

    device: Proven
    nonce: Proven
    signature: Proven


class DeviceSession(BaseModel):
    """A device's session; its token is in the cookie. `expires_s`: seconds that it is good for; `conflict`:
    another machine holds the same key and was put out."""

    me: "Me"
    expires_s: int
    conflict: bool


class Grant(BaseModel):
    """A role over a unit and what is under it."""

    role: str
    unit: str


class Site(BaseModel):
    """A site."""

    id: str
    unit: str
    label: str
    kind: Literal["post", "room", "bridge", "feed"]
    path: str
    carrier: str | None
    answer: Literal["auto", "ring"]


class PersonPresent(BaseModel):
    """Somebody in the room."""

    name: str
    title: str | None


class ClearanceSeen(BaseModel):
    """Up to which mark, until when."""

    level: Secrecy
    until: str | None


class NewClearance(Strict):
    """`PUT .../clearance`. `days`: how long it is good; nothing for "none"."""

    level: Secrecy
    days: Annotated[int, Field(ge=1, le=366)] | None = None


class SiteDetails(Site):
    """A site with what only those see who may change it."""

    phones: list[str]
    emails: list[str]
    people: list[PersonPresent]


class PersonGiven(Strict):
    """Somebody in the room."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class SiteChange(Strict):
    """`PATCH /sites/{id}`: what is left out stays. `carrier`: "" takes it away; `phones`, `emails`, `people`:
    all. `answer`: how a call is taken, "" for what is usual of the kind."""

    label: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    kind: Literal["post", "room", "bridge", "feed"] | None = None
    carrier: Annotated[str, Field(max_length=100)] | None = None
    phones: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=10)] | None = None
    emails: Annotated[list[Annotated[str, Field(max_length=254)]], Field(max_length=5)] | None = None
    people: Annotated[list[PersonGiven], Field(max_length=200)] | None = None
    answer: Literal["auto", "ring", ""] | None = None


class Me(BaseModel):
    """Who asks. `temporary`: he has to choose a password of his own first (`PUT /session/password`).
    `may`: commands of which he may do some somewhere, for what a page offers; `clearance`: up to which mark
    he is cleared now."""

    kind: Literal["person", "site"]
    id: str
    name: str
    title: str | None
    grants: list[Grant]
    site: Site | None
    csrf: str
    temporary: bool
    may: list[str]
    clearance: Secrecy = "none"


class OwnPassword(Strict):
    """`PUT /session/password`."""

    old: Annotated[str, Field(min_length=1, max_length=1024)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class Session(BaseModel):
    """Answer of `POST /session`."""

    me: Me
    expires_at: str


class Activated(DeviceSession):
    """Answer of `POST /activation`: the site, the device's name, and its first session."""

    site: Site
    device: str


class Unit(BaseModel):
    """An administrative unit. `children`: how many; `sites`: ids of those that stand at it."""

    code: str
    name: str
    kind: str
    level: Level
    parent: str | None
    path: str
    children: int
    sites: list[str]


class UnitMatch(BaseModel):
    """A search's match. `alike`: units that share name and kind; an ambiguous name never acts by itself."""

    unit: Unit
    path: str
    alike: int
    sites: list[str]


class UnitMatches(BaseModel):
    """Answer of a search, best first."""

    matches: list[UnitMatch]


class UnitList(BaseModel):
    """Units in the dataset's order."""

    units: list[Unit]


class SiteList(BaseModel):
    """Sites in the order of their units. `next`: cursor of the following page."""

    sites: list[Site]
    next: str | None


class ScopeEntry(Strict):
    """Every site whose unit is inside `unit` and at one of `levels`."""

    unit: Code
    levels: Annotated[list[Level], Field(min_length=1, max_length=4)]


class NewMeeting(Strict):
    """`POST /meetings`. `id`: the client's command id."""

    id: Annotated[str, Field(min_length=8, max_length=64)]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    scope: Annotated[list[ScopeEntry], Field(min_length=1, max_length=64)]
    codec: Codec = "h264"
    chair_site: Id | None = None
    kind: Literal["meeting", "centre"] = "meeting"
    secrecy: Secrecy = "none"


class Place(BaseModel):
    """A unit in words."""

    unit: str
    label: str


class Meeting(BaseModel):
    """A meeting as lists show it. `sites`: how many are invited. `level`, `place`: the highest of its
    scope."""

    model_config = ConfigDict(extra="allow")

    id: str
    title: str
    kind: Literal["meeting", "rehearsal", "centre"]
    status: Literal["scheduled", "open", "ended"]
    codec: Codec
    scope: list[dict[str, Any]]
    opened_at: str | None
    sites: int
    secrecy: Secrecy
    level: Level
    place: Place


class MeetingList(BaseModel):
    """Meetings that concern the asker."""

    meetings: list[Meeting]


class MeetingSnapshot(BaseModel):
    """`MeetingState` after event `seq`."""

    stream: str
    seq: int
    state: dict[str, Any]


class Roster(BaseModel):
    """Invited sites `[id, unit, label, kind]`, the units above them `[code, parent, name, kind, level]`."""

    sites: list[tuple[str, str, str, str]]
    units: list[tuple[str, str | None, str, str, str]]
    joined: list[str]


class Receipts(BaseModel):
    """Of the asker's sites: how many have a message, and who has not (at most 2,000 ids each)."""

    of: int
    got: int
    answered: int
    missing: list[str]
    unanswered: list[str]


class CommandDone(BaseModel):
    """Answer of a command: the stream it changed and its seq right after."""

    id: str
    stream: str
    seq: int


class IceServer(BaseModel):
    """One of `RTCConfiguration.iceServers`."""

    urls: list[str]
    username: str
    credential: str


class IceServers(BaseModel):
    """Answer of `GET /ice`. `lifetime_s`: ask again before so many seconds have passed."""

    servers: list[IceServer]
    lifetime_s: int


def ice_servers(ice: Relays, party: str, now: datetime) -> IceServers:
    """What the party may use from now on."""
    servers = [
        IceServer(urls=list(server.urls), username=server.username, credential=server.credential)
        for server in ice.for_party(party, now)
    ]
    return IceServers(servers=servers, lifetime_s=int(ice.lifetime.total_seconds()))


class ViewerOffer(Strict):
    """`POST /meetings/{m}/viewer`."""

    offer: Offer
    replaces: Annotated[str, Field(max_length=64)] | None = None


class ViewerAnswer(BaseModel):
    """An opened viewer."""

    viewer: str
    answer: str
    audio_lines: int
    video_lines: int
    codecs: list[Codec]
    can_show: bool


class PublisherOffer(Strict):
    """`POST /meetings/{m}/publisher`."""

    offer: Offer


class PublisherAnswer(BaseModel):
    """An opened publisher."""

    publisher: str
    answer: str


class NewToken(Strict):
    """`POST /tokens`: exactly one of `whip`, a site that an encoder shall publish as, and `whep`, a meeting
    whose stage a player shall watch. `hours` null: good until it is revoked."""

    whip: Id | None = None
    whep: Id | None = None
    hours: Annotated[int, Field(ge=1, le=24 * 366)] | None = None


class Token(BaseModel):
    """A token without its secret. `target`: a site (whip) or a meeting (whep)."""

    id: str
    kind: Literal["whip", "whep"]
    target: str
    issued_by: str
    issued_at: str
    expires_at: str | None


class IssuedToken(Token):
    """A new one. `token`: what the client sends as bearer, readable only now; `url`: where it sends it."""

    token: str
    url: str


class TokenList(BaseModel):
    """Good tokens, newest first."""

    tokens: list[Token]


class PinRequest(Strict):
    """`PUT /viewers/{v}/pins/{line}`."""

    site: Id | None
    ceiling: Literal["low", "high"] = "low"


class Problem(BaseModel):
    """RFC 9457; `code` is stable."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
