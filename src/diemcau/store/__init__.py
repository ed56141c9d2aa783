"""Engine, unit of work, event log, migrations; SQLite or PostgreSQL. See docs/state.md."""

from diemcau.store.events import Event, Head
from diemcau.store.store import Store, UnitOfWork

__all__ = ["Event", "Head", "Store", "UnitOfWork"]
