"""Who of a wave is meant by a message, and can be reached. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from diemcau.rollout.readiness import Cause, Row

Channel = Literal["email", "sms"]
Kind = Literal["invitation", "reminder"]
Lot = Literal["send", "told", "not_meant", "no_address"]

NOT_CONNECTED: Final[tuple[Cause, ...]] = ("no_code", "code_open", "code_expired")
"""Causes of those that have never been here: whom a reminder means unless others are named."""

MOBILE: Final = ("03", "05", "07", "08", "09")


@dataclass(frozen=True, slots=True)
class Audience:
    """How many of a wave's sites get a message (`send`), have got it (`told`), are not meant, or have no
    address. `links`: of `send`, those that no device stands for, which get a code where one is sent; `codes`:
    of these, those whose open code (a sheet's) it replaces."""

    send: int
    told: int
    not_meant: int
    no_address: int
    links: int
    codes: int


def meant(row: Row, causes: Collection[Cause]) -> bool:
    """Whether the site is one of those that are meant; no causes: all are."""
    return not causes or row.standing.cause in causes


def mobile_of(phones: Iterable[str]) -> str | None:
    """The first number that takes text messages, figures alone: "0912345678"."""
    for phone in phones:
        digits = "".join(c for c in phone.split("máy lẻ")[0] if c.isdecimal())
        if phone.strip().startswith("+84") or (digits.startswith("84") and len(digits) == 11):
            digits = f"0{digits[2:]}"
        if len(digits) == 10 and digits.startswith(MOBILE):
            return digits
    return None


def addresses_of(row: Row, channel: Channel) -> tuple[str, ...]:
    """Where the site is reached by this channel; empty when it is not."""
    if channel == "email":
        return row.site.emails
    number = mobile_of(row.site.phones)
    return () if number is None else (number,)


def lot_of(row: Row, causes: Collection[Cause], channel: Channel, told: Collection[str]) -> Lot:
    """What the site's lot is."""
    if row.site.id in told:
        return "told"
    if not meant(row, causes):
        return "not_meant"
    return "send" if addresses_of(row, channel) else "no_address"


def count(
    rows: Iterable[Row], causes: Collection[Cause], channel: Channel, told: Collection[str]
) -> Audience:
    """Of all."""
    lots: Counter[Lot] = Counter()
    links = codes = 0
    for row in rows:
        lot = lot_of(row, causes, channel, told)
        lots[lot] += 1
        if lot == "send" and row.facts.activated_at is None:
            links += 1
            codes += row.standing.cause == "code_open"
    return Audience(lots["send"], lots["told"], lots["not_meant"], lots["no_address"], links, codes)
