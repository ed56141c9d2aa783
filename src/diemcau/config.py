"""Settings: environment `DIEMCAU_*`, a file, these defaults. Secrets come from the environment or files."""

import hashlib
import os
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

    units: str = "2021-09"
    """Dataset of administrative units."""

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

    media_executable: Path | None = None
    media_workers: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=lambda: os.cpu_count() or 2)
    media_bind: str | None = None
    """`ip:port` for UDP, worker i uses port + i; none: free ports of every address, or of loopback when
    `host` is."""

    media_announce: tuple[str, ...] = ()
    """Addresses told to clients; none: those of this machine that fit `media_bind`."""

    media_start: bool = True
    """Start a media node when none answers on the socket; false: another unit of the system does, and nobody
    stops it from here (deploy/)."""

    keep_media: bool = False
    """Leave the media node running when the server is stopped (an upgrade in the middle of a meeting)."""

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
