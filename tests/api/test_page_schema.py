"""The page's types are generated from `web/openapi.json`: it must be this server's."""

import json
from pathlib import Path

from .world import World

WRITTEN = Path(__file__).resolve().parents[2] / "web" / "openapi.json"


async def test_the_schema_that_the_page_was_typed_by_is_the_servers(world: World) -> None:
    written, served = json.loads(WRITTEN.read_text()), world.app.openapi()
    for name in ("paths", "components"):
        assert written[name] == served[name], (
            "fetch /openapi.json into web/openapi.json and run `npm run types` in web"
        )
