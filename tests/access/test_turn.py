"""Credentials for relays: what coturn computes from the same secret, and nothing without one."""

from datetime import UTC, datetime, timedelta

from diemcau.access import IceServers, link_headers

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
URLS = ("turn:relay.test:3478?transport=udp", "turns:relay.test:443?transport=tcp")


def test_a_credential_is_the_hmac_of_the_expiry_and_the_party() -> None:
    ice = IceServers(URLS, b"north", timedelta(hours=1))
    [server] = ice.for_party("s_26863", NOW)
    assert (server.urls, server.username) == (URLS, "1630809000:s_26863")
    # printf 1630809000:s_26863 | openssl dgst -sha1 -hmac north -binary | base64
    assert server.credential == "dhWI6Jh3JqhXDkdv6JPkO7K0S3U="
    assert server.credential not in repr(server) and "north" not in repr(ice)


def test_parties_and_times_have_credentials_of_their_own() -> None:
    ice = IceServers(URLS, b"north")
    one, other = ice.for_party("s_1", NOW)[0], ice.for_party("s_2", NOW)[0]
    later = ice.for_party("s_1", NOW + timedelta(seconds=1))[0]
    assert len({one.credential, other.credential, later.credential}) == 3


def test_without_relays_there_is_nothing_to_give() -> None:
    assert IceServers().for_party("s_1", NOW) == ()
    assert link_headers(()) == ()


def test_link_headers_name_each_address_once() -> None:
    headers = link_headers(IceServers(URLS, b"north").for_party("s_1", NOW))
    assert [header.split(";")[0] for header in headers] == [f"<{url}>" for url in URLS]
    assert all('; rel="ice-server"; username="1630809000:s_1"; credential="' in header for header in headers)
