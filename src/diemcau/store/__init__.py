"""Engine, unit of work, event log, migrations; SQLite or PostgreSQL. See docs/state.md."""

from diemcau.store.chain import ChainBroken
from diemcau.store.engine import is_duplicate
from diemcau.store.events import Event, Head
from diemcau.store.gathering import Gathering
from diemcau.store.lookup import Lookup
from diemcau.store.migrate import SchemaTooNew
from diemcau.store.signing import HeadSigner, SignedHeads
from diemcau.store.store import Store, StoredSnapshot
from diemcau.store.tables import Instant, metadata
from diemcau.store.work import UnitOfWork, Work
from diemcau.store.writer import Stats

__all__ = [
    "ChainBroken",
    "Event",
    "Gathering",
    "Head",
    "HeadSigner",
    "Instant",
    "Lookup",
    "SchemaTooNew",
    "SignedHeads",
    "Stats",
    "Store",
    "StoredSnapshot",
    "UnitOfWork",
    "Work",
    "is_duplicate",
    "metadata",
]
