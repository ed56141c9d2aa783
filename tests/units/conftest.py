import pytest

from diemcau.units import JULY_2025, SEPTEMBER_2021, Units


@pytest.fixture(scope="session")
def units_2021() -> Units:
    return Units.load(SEPTEMBER_2021)


@pytest.fixture(scope="session")
def units_2025() -> Units:
    return Units.load(JULY_2025)


@pytest.fixture(scope="session", params=[SEPTEMBER_2021, JULY_2025])
def any_units(request: pytest.FixtureRequest) -> Units:
    return Units.load(request.param)
