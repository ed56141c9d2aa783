"""Nonces and signatures: what a proof is good for, and how little of it is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diemcau.access.proofs import BadProof, DeviceKey, Nonces, Purpose, decode, encode, message
from diemcau.errors import BadRequest, Busy

from ..device import Device

HERE = "https://cau.test"


class Ticking:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
def nonces(ticking: Ticking) -> Nonces:
    return Nonces(ticking, life_s=60, most=3)


def test_a_nonce_is_good_once(nonces: Nonces) -> None:
    nonce = nonces.issue(Purpose.SESSION, HERE)
    nonces.check(nonce, Purpose.SESSION, HERE)
    nonces.spend(nonce)
    with pytest.raises(BadProof):
        nonces.check(nonce, Purpose.SESSION, HERE)


def test_a_nonce_is_of_one_purpose_and_one_origin(nonces: Nonces) -> None:
    nonce = nonces.issue(Purpose.SESSION, HERE)
    for purpose, origin in ((Purpose.SOCKET, HERE), (Purpose.SESSION, "https://other.test")):
        with pytest.raises(BadProof):
            nonces.check(nonce, purpose, origin)


def test_a_nonce_is_good_for_a_minute_of_the_servers_time(nonces: Nonces, ticking: Ticking) -> None:
    nonce = nonces.issue(Purpose.SESSION, HERE)
    ticking.seconds += 59
    nonces.check(nonce, Purpose.SESSION, HERE)
    ticking.seconds += 2
    with pytest.raises(BadProof):
        nonces.check(nonce, Purpose.SESSION, HERE)


def test_another_process_makes_other_nonces(nonces: Nonces, ticking: Ticking) -> None:
    with pytest.raises(BadProof):
        nonces.check(Nonces(ticking).issue(Purpose.SESSION, HERE), Purpose.SESSION, HERE)


def test_unanswered_challenges_cost_nothing_and_spent_ones_are_kept_until_too_old(
    nonces: Nonces, ticking: Ticking
) -> None:
    for _ in range(10_000):
        nonces.issue(Purpose.SESSION, HERE)
    assert len(nonces) == 0
    spent = [nonces.issue(Purpose.SESSION, HERE) for _ in range(3)]
    for nonce in spent:
        nonces.spend(nonce)
    fourth = nonces.issue(Purpose.SESSION, HERE)
    with pytest.raises(Busy):
        nonces.spend(fourth)  # none is forgotten early for it
    ticking.seconds += 61
    nonces.spend(nonces.issue(Purpose.SESSION, HERE))
    assert len(nonces) == 1


@given(st.text(max_size=600))
def test_what_is_no_nonce_is_refused(text: str) -> None:
    with pytest.raises(BadProof):
        Nonces().check(text, Purpose.SESSION, HERE)


@given(st.binary(max_size=200))
def test_what_is_no_point_of_the_curve_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest):
        DeviceKey(b"\x04" + raw)
    with pytest.raises(BadRequest):
        DeviceKey.read(encode(raw) + "!")


def test_a_signature_holds_for_its_message_alone() -> None:
    device = Device()
    key = DeviceKey.read(device.key)
    signature = device.sign("session", HERE, "n", "d")
    key.verify(signature, message(Purpose.SESSION, HERE, "n", "d"))
    for other in (
        message(Purpose.SOCKET, HERE, "n", "d"),
        message(Purpose.SESSION, "https://other.test", "n", "d"),
        message(Purpose.SESSION, HERE, "m", "d"),
        message(Purpose.SESSION, HERE, "n", "e"),
    ):
        with pytest.raises(BadProof):
            key.verify(signature, other)
    with pytest.raises(BadProof):
        DeviceKey.read(Device().key).verify(signature, message(Purpose.SESSION, HERE, "n", "d"))


@pytest.mark.parametrize("signature", ["", "x", encode(b"\x00" * 64), encode(b"\xff" * 64), "ế" * 86])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(BadProof):
        DeviceKey.read(Device().key).verify(signature, b"m")


def test_base64url_comes_back() -> None:
    assert decode(encode(b"\xfb\xff\x00")) == b"\xfb\xff\x00"
