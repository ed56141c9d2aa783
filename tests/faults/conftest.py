from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import House, Nation, house, make_nation
from tests.faults.sites import make_clips


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Nation]:
    """A data folder with the nation in it, made once."""
    data = tmp_path_factory.mktemp("nation") / "var"
    return data, make_nation(data)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def served(template: tuple[Path, Nation], tmp_path: Path) -> Iterator[House]:
    """A server of the test's own."""
    with house(tmp_path, *template) as running:
        yield running
