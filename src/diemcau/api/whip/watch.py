"""Ends what a token opened when the token ends: at once when revoked, within a minute when it expires."""

from collections.abc import Mapping
from typing import Any

import structlog

from diemcau.api.services import Services
from diemcau.api.watch import Watch
from diemcau.bus import EVENTS

log = structlog.get_logger(__name__)


class TokenWatch(Watch):
    """Asks which tokens in use are still good."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, "token", f"{EVENTS}access")

    async def check(self) -> None:
        """Ends what was opened by tokens that are not good any more."""
        stage = self._services.stage
        used = stage.tokens()
        if not used:
            return
        for token in used - await self._services.access.good_tokens(used):
            log.info("closing what an ended token opened", token=token)
            await stage.close_token(token)

    def wakes(self, topic: str, body: Mapping[str, Any]) -> bool:
        """A token was revoked."""
        return body.get("type") == "token_revoked"
