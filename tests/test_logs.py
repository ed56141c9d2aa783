"""What goes wrong is in the log by its place in the code, without what was in its variables."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from diemcau.app import configure_logs
from diemcau.config import Settings


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    found = logging.getLogger()
    handlers, level = found.handlers[:], found.level
    yield found
    found.handlers[:] = handlers
    found.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_tells_no_secret(
    root: logging.Logger, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(Settings(log=form))  # type: ignore[arg-type]
    try:
        password = "mot-mat-khau-dai".upper()
        raise ValueError(len(password))
    except ValueError:
        logging.getLogger("diemcau.test").exception("it went wrong")
    written = capsys.readouterr().err
    assert "it went wrong" in written and "test_a_traceback_tells_no_secret" in written
    assert "MOT-MAT-KHAU-DAI" not in written
