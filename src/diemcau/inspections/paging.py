"""Pages of rows, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, func, select

from diemcau.store import Store

MAX_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Rows and the cursor of the next page (None: the last). `total`: of all pages, with the first."""

    rows: tuple[Any, ...]
    next: str | None
    total: int | None


async def page_of(
    store: Store, query: Select[Any], key: Any, limit: int, after: str | None
) -> tuple[Sequence[Any], str | None, int | None]:
    """Rows, the cursor of the next page, and with the first page how many there are. Ids (`key`) sort by the
    time of their making: newest first."""
    limit = max(1, min(limit, MAX_PAGE))
    total = None
    async with store.read() as connection:
        if after is None:
            total = await connection.scalar(select(func.count()).select_from(query.subquery()))
        else:
            query = query.where(key < after)
        rows = (await connection.execute(query.order_by(key.desc()).limit(limit + 1))).all()
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None, total
