"""What can be wrong with an import, beside the file (`spreadsheet.BadSheet`)."""

from typing import ClassVar

from diemcau.errors import NotFound


class ImportNotFound(NotFound):
    """No import of the asker's has this id, or it was forgotten. Details: `import`."""

    code: ClassVar[str] = "import_not_found"
    default: ClassVar[str] = "There is no such import: choose the file again."
