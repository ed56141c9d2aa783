"""Files as answers: lists, reports and letters that are made for one asker and kept by nobody on the way."""

from urllib.parse import quote

from fastapi import Response

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def attachment(content: bytes, name: str, form: str) -> Response:
    """`content` to be saved as `<name>.<form>`; `form` is one of `TYPES`."""
    headers = {
        "Content-Disposition": f'attachment; filename="{quote(name)}.{form}"',
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=TYPES[form], headers=headers)
