"""Settings: environment `DIEMCAU_*`, a file, these defaults. Secrets come from the environment or files."""

import hashlib
import ipaddress
import os
import re
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """Everything an installation may choose. Environment names are these in capitals after `DIEMCAU_`."""

    model_config = SettingsConfigDict(env_prefix="DIEMCAU_", extra="forbid", validate_default=True)

    data: Path = Path("var")
    """Folder of the database, the secret, certificates, the media node's socket and log."""

    database: SecretStr | None = None
    """`sqlite:///path` or `postgresql://user:password@host/name`; none: `diemcau.db` in the data folder."""

    database_file: Path | None = None
    """File that holds the database's address instead."""

    units: str | None = None
    """Dataset of administrative units of a new database; none: 2021-09. A database keeps its own, and another
    one named here is refused (docs/renewal.md)."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Where the doors listen; port 0: any free one."""

    public_url: str | None = None
    """How people reach this server, when a proxy stands before it; its origin is accepted beside our own."""

    trusted_proxies: str = ""
    """Addresses whose X-Forwarded-For and -Proto are believed, separated by commas."""

    tls: bool = False
    """Make an authority and a certificate of our own and serve by TLS (a first installation on a LAN)."""

    tls_names: tuple[str, ...] = ()
    """Further names and addresses in that certificate."""

    hotline: str = ""
    """Telephone of the technicians, as connection sheets show it; none: a line to write on."""

    smtp_host: str | None = None
    """Mail server that takes the letters of waves; none: no letters (docs/rollout-waves.md)."""

    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """`tls` is usual on port 465. `none`: without encryption, so without a password but on this machine."""

    smtp_username: str = ""
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = None
    smtp_from: str = ""
    """Address of the sender; `smtp_name` is what people see beside it, `smtp_reply_to` gets their answers."""

    smtp_name: str = "Điểm Cầu"
    smtp_reply_to: str = ""
    smtp_timeout_s: Annotated[float, Field(ge=1, le=300)] = 30.0
    smtp_ca_file: Path | None = None
    """Authority of a mail server whose certificate is the house's own, PEM."""
    call_ring_s: Annotated[float, Field(ge=5, le=300)] = 30.0
    """Seconds that a called site rings before the call goes on elsewhere."""

    call_pictures_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """Days that the picture taken in an inspection is kept."""

    media_executable: Path | None = None
    media_workers: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=lambda: os.cpu_count() or 2)
    media_bind: str | None = None
    """`ip:port` for UDP, worker i uses port + i; `[::]:port` serves IPv4 and IPv6. None: free ports of every
    address, or of loopback when `host` is."""

    media_announce: tuple[str, ...] = ()
    """IPv4 and IPv6 addresses told to clients, best first (behind NAT the public ones); none: those of this
    machine that fit `media_bind`."""

    media_tcp: bool = True
    media_tcp_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """The one TCP port of all workers, for clients that no UDP reaches; none: the number of `media_bind`."""

    turn_urls: tuple[str, ...] = ()
    """Relays, e.g. `turns:relay.example:443?transport=tcp`; see docs/reach.md."""

    turn_secret: SecretStr | None = None
    turn_secret_file: Path | None = None
    """coturn's `static-auth-secret`, or the file that holds it."""

    turn_lifetime_s: Annotated[int, Field(ge=60, le=86_400)] = 3600
    """Seconds in which a relay's credential can be used to begin."""

    media_start: bool = True
    """Start a media node when none answers on the socket; false: another unit of the system does, and nobody
    stops it from here (deploy/)."""

    keep_media: bool = False
    """Leave the media node running when the server is stopped (an upgrade in the middle of a meeting)."""

    wall_kbits: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000
    walls_kbits: Annotated[int, Field(ge=100, le=10_000_000)] = 100_000
    """kbit/s of still pictures that the walls of one person, and all walls, may take (docs/wall.md)."""

    log: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, environment, then the TOML file that `DIEMCAU_CONFIG` names (`diemcau.toml`)."""
        file = Path(os.environ.get("DIEMCAU_CONFIG", "diemcau.toml"))
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file))

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("begins with http:// or https://")
        return None if value is None else value.rstrip("/")

    @field_validator("media_bind")
    @classmethod
    def _is_socket_address(cls, value: str | None) -> str | None:
        if value is not None:
            bound_ip(value)
        return value

    @field_validator("media_announce")
    @classmethod
    def _are_addresses(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        """Addresses, not names: what a name means may change while the node announces what it once meant."""
        found: dict[str, None] = {}
        for value in values:
            try:
                address = ipaddress.ip_address(value)
            except ValueError:
                raise ValueError(f"{value!r} is not an IP address; names are not resolved") from None
            if address.is_unspecified or address.is_multicast or address.is_link_local:
                raise ValueError(f"{value} is no address that clients could send to")
            found[str(address)] = None
        return tuple(found)

    @field_validator("turn_urls")
    @classmethod
    def _are_turn(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if not TURN_URL.fullmatch(value):
                raise ValueError(f"{value!r} is not turn:host[:port] or turns:host[:port] (RFC 7065)")
        return values

    @model_validator(mode="after")
    def _turn_has_a_secret(self) -> "Settings":
        if self.turn_secret is not None and self.turn_secret_file is not None:
            raise ValueError("turn_secret and turn_secret_file cannot both be set")
        if self.turn_urls and self.turn_secret is None and self.turn_secret_file is None:
            raise ValueError("turn_urls needs turn_secret or turn_secret_file")
        return self

    @model_validator(mode="after")
    def _mail_is_whole(self) -> "Settings":
        if self.smtp_host is None:
            return self
        from diemcau.sites.email import email_of  # loads the rooms: for who has a mail server

        for name in ("smtp_from", "smtp_reply_to"):
            value = getattr(self, name)
            if (value or name == "smtp_from") and email_of(value) is None:
                raise ValueError(f"{name} is no e-mail address")
        if self.smtp_password is not None and self.smtp_password_file is not None:
            raise ValueError("smtp_password and smtp_password_file cannot both be set")
        near = self.smtp_host in ("127.0.0.1", "::1", "localhost")
        if self.smtp_security == "none" and self.smtp_username and not near:
            raise ValueError("smtp_security none would show the password to the network")
        if not self.smtp_name.isprintable():
            raise ValueError("smtp_name is one line")
        return self

    @model_validator(mode="after")
    def _announced_are_bound(self) -> "Settings":
        if self.media_bind is None:
            return self
        bound = bound_ip(self.media_bind)
        both = bound.version == 6 and bound.is_unspecified
        for value in self.media_announce:
            if not both and ipaddress.ip_address(value).version != bound.version:
                raise ValueError(
                    f"{value} cannot be reached at {self.media_bind}; [::]:port serves both families"
                )
        return self

    @model_validator(mode="after")
    def _one_address(self) -> "Settings":
        if self.database is not None and self.database_file is not None:
            raise ValueError("database and database_file cannot both be set")
        return self

    @property
    def database_address(self) -> str:
        """The database's address, with its password."""
        if self.database is not None:
            return self.database.get_secret_value()
        if self.database_file is not None:
            return self.database_file.read_text(encoding="utf-8").strip()
        return f"sqlite:///{self.data.resolve() / 'diemcau.db'}"

    @property
    def turn_key(self) -> bytes:
        """The relays' shared secret; empty without one. Raises ValueError for an empty file."""
        if self.turn_secret is not None:
            return self.turn_secret.get_secret_value().encode()
        if self.turn_secret_file is None:
            return b""
        key = self.turn_secret_file.read_bytes().strip()
        if not key:
            raise ValueError(f"{self.turn_secret_file} is empty")
        return key

    @property
    def smtp_key(self) -> str:
        """The mail server's password; empty without one."""
        if self.smtp_password is not None:
            return self.smtp_password.get_secret_value()
        if self.smtp_password_file is None:
            return ""
        return self.smtp_password_file.read_text(encoding="utf-8").strip()

    @property
    def control_socket(self) -> Path:
        """The media node's socket."""
        return _short(self.data.resolve() / "media.sock")

    @property
    def console_socket(self) -> Path:
        """The socket by which the commands of this machine speak to a running server."""
        return _short(self.data.resolve() / "console.sock")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the doors."""
        return self.host in ("127.0.0.1", "::1", "localhost")


TURN_URL = re.compile(r"turns?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?")


def bound_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of `ip:port` or `[ip]:port`. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"{text!r} is not ip:port")
    address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    if (address.version == 6) != host.startswith("["):
        raise ValueError(f"{text!r}: an IPv6 address is written [address]:port, and no other")
    return address


def _short(path: Path) -> Path:
    """A socket's path holds at most 107 bytes (unix(7)): a longer one moves to the temporary folder."""
    if len(os.fsencode(path)) <= 100:
        return path
    digest = hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()
    return Path("/tmp") / f"diemcau-{os.getuid()}-{digest}-{path.name}"  # noqa: S108 - mode 0600, ours to unlink


def lan_addresses() -> tuple[str, ...]:
    """Addresses of this machine that others may reach, IPv4 and IPv6, without link-local ones."""
    found: dict[str, None] = {}
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))  # sends nothing: asks the routing table
                found[str(probe.getsockname()[0])] = None
            except OSError:
                continue
    try:
        names = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        names = []
    for *_, address in names:
        text = str(address[0]).partition("%")[0]
        if not text.startswith(("127.", "fe80")) and text != "::1":
            found[text] = None
    return tuple(found)
