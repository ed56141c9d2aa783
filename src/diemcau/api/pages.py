"""The built page, from memory: every path that is no door answers `index.html`."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from diemcau.errors import NotFound

_UNBUILT = b"""<!doctype html><html lang="vi"><meta charset="utf-8"><title>Diem Cau</title>
<p>The page has not been built: run <code>make setup</code>.</p></html>"""

_TEXT = ("text/", "application/javascript", "application/json", "image/svg")


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    packed: bytes | None
    media_type: str
    etag: str
    forever: bool


class Pages:
    """Files of one build. Names under `assets/` hold a hash of the content and may be kept for ever."""

    def __init__(self, folder: Path | None) -> None:
        self._files: dict[str, _File] = {}
        if folder is not None and folder.is_dir():
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    name = path.relative_to(folder).as_posix()
                    self._files[name] = _read(path, forever=name.startswith("assets/"))
        if "index.html" not in self._files:
            self._files["index.html"] = _file(_UNBUILT, "text/html; charset=utf-8", forever=False)

    async def serve(self, request: Request) -> Response:
        """One GET of a page or of a file of it."""
        name = request.path_params["path"]
        found = self._files.get(name)
        if found is None:
            if name.startswith(("api/", "assets/")) or "." in name.rsplit("/", 1)[-1]:
                raise NotFound
            found = self._files["index.html"]
        headers = {
            "ETag": found.etag,
            "Cache-Control": "public, max-age=31536000, immutable" if found.forever else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = found.body
        if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = found.packed, "gzip"
        return Response(body, media_type=found.media_type, headers=headers)


def _read(path: Path, *, forever: bool) -> _File:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if path.suffix in (".js", ".mjs"):
        media_type = "text/javascript; charset=utf-8"
    elif path.suffix == ".webmanifest":
        media_type = "application/manifest+json"
    elif media_type.startswith("text/"):
        media_type += "; charset=utf-8"
    return _file(path.read_bytes(), media_type, forever=forever)


def _file(body: bytes, media_type: str, *, forever: bool) -> _File:
    packed = gzip.compress(body, 9, mtime=0) if media_type.startswith(_TEXT) and len(body) > 1024 else None
    return _File(body, packed, media_type, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"', forever)
