"""`diemcau units renew` over a database of its own."""

import io
import json
from pathlib import Path

from openpyxl import load_workbook

from diemcau.app import alone
from tests.cli.test_commands import answer


def test_a_database_is_renewed_asked_about_and_put_back(tmp_path: Path) -> None:
    at = ("--data", str(tmp_path / "var"))
    answer("sites", "add", "--unit", "70", "--level", "commune", *at)
    answer("sites", "add", "--unit", "695", *at)
    answer("people", "add", "lan", "--name", "Lan", "--grant", "technician@70", *at)
    dry = answer("units", "renew", "--dry-run", *at)
    assert (dry["from"], dry["to"], dry["dry_run"]) == ("2021-09", "2025-07", True)
    assert dry["grants"]["widens"] == 1 and dry["sites"]["gone"] == 1
    asked = {one["unit"]: one for one in dry["questions"]}
    assert asked["70"]["grants"] == 1 and [c["unit"] for c in asked["70"]["choices"]] == ["75"]

    decided = tmp_path / "answers.json"
    decided.write_text(json.dumps({"sites": {"districts": "province"}, "grants": {"widening": "move"}}))
    report = tmp_path / "report.xlsx"
    with alone(tmp_path / "var"):  # a server runs
        refused = answer("units", "renew", *at, status=1)
        assert refused["code"] == "already_serving"
        assert answer("units", "renew", "--dry-run", *at)["sites"] == dry["sites"]
    done = answer("units", "renew", "--answers", str(decided), "--report", str(report), *at)
    assert done["questions"] == [] and done["sites"]["waiting"] == 0
    sheet = load_workbook(io.BytesIO(report.read_bytes())).active
    assert sheet is not None and sheet.max_row == 1 + done["sites"]["moved"] + 1

    # The server's doors are in the new tree now, whatever the settings do not say.
    assert (
        len(answer("sites", "list", "--unit", "75", "--limit", "500", *at)["sites"]) == done["sites"]["moved"]
    )
    assert answer("people", "list", *at)["people"][0]["grants"] == [{"role": "technician", "unit": "75"}]
    assert answer("sites", "add", "--unit", "70", *at, status=1)["code"] == "unit_not_found"
    assert answer("units", "renew", *at)["sites"]["moved"] == 0

    assert answer("units", "renew", "--undo", *at) == {"sites": done["sites"]["moved"], "grants": 1}
    assert len(answer("sites", "list", "--unit", "695", *at)["sites"]) > 1
    assert answer("units", "renew", "--undo", *at, status=1)["code"] == "already_renewed"


def test_what_cannot_be_meant_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    at = ("--data", str(tmp_path / "var"))
    answer("sites", "add", "--unit", "695", *at)
    decided = tmp_path / "answers.json"
    decided.write_text('{"sites": {"units": {"695": "01"}}}')
    assert answer("units", "renew", "--answers", str(decided), *at, status=1)["code"] == "bad_request"
    assert answer("units", "renew", "--to", "2030-01", *at, status=1)["code"] == "units_dataset_not_found"
    assert answer("units", "renew", "--undo", "--dry-run", *at, status=1)["code"] == "bad_request"
    assert answer("units", "renew", "--report", "x.pdf", *at, status=1)["code"] == "bad_request"
    assert len(answer("sites", "list", "--unit", "695", *at)["sites"]) == 1


def test_a_setting_that_names_another_tree_is_refused(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    at = ("--data", str(tmp_path / "var"))
    answer("sites", "add", "--unit", "695", *at)
    monkeypatch.setenv("DIEMCAU_UNITS", "2025-07")
    assert answer("sites", "list", *at, status=1)["code"] == "units_differ"
