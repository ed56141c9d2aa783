"""`Access`: people, sessions, grants, activation codes, device credentials, tokens, behind one door."""

from diemcau.access.actor import Actor
from diemcau.access.delegation import Delegation
from diemcau.access.devices import Devices
from diemcau.access.lines import DeviceLine
from diemcau.access.passwords import Passwords
from diemcau.access.people import People
from diemcau.access.permissions import allowed, authorise, units_granted
from diemcau.access.secrecy import Clearances
from diemcau.access.secrets import csrf_token, same
from diemcau.access.tokens import Tokens
from diemcau.clock import Clock
from diemcau.errors import Csrf
from diemcau.ids import NewId, new_id
from diemcau.store import Store
from diemcau.units import Units


class Access(People, Delegation, Devices, Tokens, Clearances):
    """Who is asking, and what may they do."""

    def __init__(
        self,
        store: Store,
        units: Units,
        clock: Clock,
        secret: bytes,
        *,
        make_id: NewId = new_id,
        passwords: Passwords | None = None,
    ) -> None:
        """`secret`: 32 bytes from a file (`load_secret`): keys the hashes of activation codes."""
        passwords = passwords or Passwords()
        People.__init__(self, store, clock, passwords)
        Delegation.__init__(self, store, units, make_id, passwords)
        Devices.__init__(self, store, units, clock, secret)
        Tokens.__init__(self, store, units, clock, make_id)
        Clearances.__init__(self, store, units, clock)

    def authorise(self, actor: Actor, command: str, *units: str) -> None:
        """Raises Forbidden unless the actor may do the command on every unit; see `permissions.py`."""
        authorise(self._units, actor, command, *units)

    def allowed(self, actor: Actor, command: str, unit: str) -> bool:
        """Whether the actor may do the command on the unit."""
        return allowed(self._units, actor, command, unit)

    def units_granted(self, actor: Actor, command: str) -> tuple[str, ...]:
        """The topmost units over which the actor may do the command."""
        return units_granted(self._units, actor, command)

    def csrf_token(self, credential: str | DeviceLine) -> str:
        """What `/me` answers as `csrf`: for a session token or bearer, or the page's secret of a device."""
        return self.page_secret(credential) if isinstance(credential, DeviceLine) else csrf_token(credential)

    def check_csrf(self, credential: str, token: str | None) -> None:
        """Raises Csrf unless `token` is the credential's."""
        if token is None or not same(token, csrf_token(credential)):
            raise Csrf
