"""Settings: what is refused before a server starts, and what the media node is started with."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from diemcau.app import node_options
from diemcau.config import Settings


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"media_announce": ["media.example"]}, "names are not resolved"),
        ({"media_announce": ["0.0.0.0"]}, "no address that clients could send to"),
        ({"media_announce": ["fe80::1"]}, "no address that clients could send to"),
        ({"media_bind": "41800"}, "is not ip:port"),
        ({"media_bind": "0.0.0.0:70000"}, "is not ip:port"),
        ({"media_bind": "::1:41800"}, "is written [address]:port"),
        ({"media_bind": "0.0.0.0:41800", "media_announce": ["2001:db8::1"]}, "[::]:port serves both"),
        ({"turn_urls": ["https://relay.example"], "turn_secret": "x"}, "RFC 7065"),
        ({"turn_urls": ["turn:relay.example"]}, "needs turn_secret"),
        ({"turn_secret": "x", "turn_secret_file": "y"}, "cannot both be set"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_reason(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**wrong)
    assert says in str(refused.value)


def test_announced_addresses_of_both_families_keep_their_order(tmp_path: Path) -> None:
    public = ("203.0.113.7", "2001:db8::7", "10.0.0.7")
    settings = Settings(
        data=tmp_path,
        media_bind="[::]:41800",
        media_announce=(*public, "2001:0db8:0:0::7"),
        media_tcp_port=443,
        media_executable=Path("/bin/true"),
    )
    arguments = node_options(settings).arguments()
    told = [value for name, value in pairwise(arguments) if name == "--announce"]
    assert tuple(told) == public
    assert arguments[arguments.index("--bind") + 1] == "[::]:41800"
    assert arguments[arguments.index("--tcp-port") + 1] == "443"


def test_a_machine_that_announces_ipv4_only_binds_ipv4_only(tmp_path: Path) -> None:
    def bound(**settings: Any) -> str:
        made = Settings(data=tmp_path, media_executable=Path("/bin/true"), **settings)
        return node_options(made).bind

    assert bound() == "127.0.0.1:0"
    assert bound(host="::1") == "[::1]:0"
    assert bound(host="0.0.0.0", media_announce=["203.0.113.7"]) == "0.0.0.0:0"
    assert bound(host="0.0.0.0", media_announce=["203.0.113.7", "2001:db8::7"]) == "[::]:0"


def test_tcp_can_be_turned_off(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, media_tcp=False, media_executable=Path("/bin/true"))
    arguments = node_options(settings).arguments()
    assert "--no-tcp" in arguments and "--tcp-port" not in arguments


def test_a_relays_secret_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "turn"
    file.write_text("north\n")
    settings = Settings(turn_urls=("turn:relay.example:3478",), turn_secret_file=file)
    assert settings.turn_key == b"north"
    assert Settings().turn_key == b""
    file.write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        _ = settings.turn_key
