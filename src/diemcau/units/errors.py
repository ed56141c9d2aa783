"""What can go wrong with units: an unknown code or dataset, a name that fits several units, damaged data."""

from diemcau.errors import DiemCauError


class UnitsError(DiemCauError):
    """Base of all errors of this room."""

    code = "units_error"
    status = 500


class UnitNotFound(UnitsError):
    """No unit has this code (or, from `Units.resolve`, answers to this text). Details: `unit`."""

    code = "unit_not_found"
    status = 404


class UnitAmbiguous(UnitsError):
    """Several units answer to the text; nothing may act on it. Details: `query`, `candidates` (codes)."""

    code = "unit_ambiguous"
    status = 409


class DatasetNotFound(UnitsError):
    """No dataset has this name. Details: `dataset`, `known`."""

    code = "units_dataset_not_found"
    status = 404


class DatasetCorrupt(UnitsError):
    """A dataset file is not what the import wrote. Details say where."""

    code = "units_dataset_corrupt"
    status = 500
