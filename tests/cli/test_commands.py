"""The commands of the shell, over a database of their own."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from diemcau.app import open_rooms
from diemcau.cli import app, doctor
from diemcau.cli.load import is_loopback
from diemcau.cli.nation.plan import CENTRE, plan
from diemcau.config import Settings
from diemcau.units import SEPTEMBER_2021, Level, Units

runner = CliRunner()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "var"


def answer(*arguments: str, status: int = 0) -> Any:
    done = runner.invoke(app, [*arguments, "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout.splitlines()[-1])


def test_every_command_says_what_it_does() -> None:
    for command in ("serve", "demo", "load", "units", "sites", "people", "meetings", "tokens", "doctor"):
        assert runner.invoke(app, [command, "--help"]).exit_code == 0


def test_units_are_found_by_code_and_by_name() -> None:
    found = answer("units", "search", "phuoc binh thu duc")["matches"]
    assert found[0]["code"] == "26863"
    assert answer("units", "show", "70")["counts"]["district"] == 11
    assert len(answer("units", "tree", "VN")["units"]) == 63
    assert answer("units", "show", "99999", status=1)["code"] == "unit_not_found"
    assert "Phước Bình" in runner.invoke(app, ["units", "search", "26863"]).stdout


def test_tokens_are_issued_by_name_listed_and_revoked(data: Path) -> None:
    at = ("--data", str(data))
    [made] = answer("sites", "add", "--unit", "70", "--label", "Xe truyền hình", "--kind", "feed", *at)[
        "sites"
    ]
    assert made["kind"] == "feed"
    cleared = answer("sites", "clearance", made["id"], "--level", "secret", "--days", "30", *at)
    assert cleared["sites"][0]["level"] == "secret"
    token = answer("tokens", "create", "--whip", "xe truyền hình", "--hours", "2", *at)
    assert (
        token["target"] == made["id"] and token["url"] == f"/whip/{made['id']}" and len(token["token"]) == 43
    )
    again = answer("tokens", "create", "--whip", made["id"], "--url", "https://x/", *at)
    assert again["url"] == f"https://x/whip/{made['id']}"
    assert [one["id"] for one in answer("tokens", "list", "--target", made["id"], *at)["tokens"]] == [
        again["id"],
        token["id"],
    ]
    assert answer("tokens", "revoke", token["id"], *at) == {"revoked": [token["id"]]}
    assert answer("tokens", "revoke", token["id"], *at, status=1)["code"] == "not_found"
    assert [one["id"] for one in answer("tokens", "list", *at)["tokens"]] == [again["id"]]
    answer("sites", "add", "--unit", "74", "--label", "Xe truyền hình", "--kind", "feed", *at)
    for arguments, code in (
        (("--whip", "Xe truyền hình"), "conflict"),
        (("--whip", "không có"), "site_not_found"),
        (("--whep", "Họp"), "meeting_not_found"),
        (("--whip", made["id"], "--whep", "m_1"), "bad_request"),
    ):
        assert answer("tokens", "create", *arguments, *at, status=1)["code"] == code


def test_a_meeting_from_nothing(data: Path) -> None:
    at = ("--data", str(data))
    person = answer("people", "add", "daodien", "--name", "Bình", "--grant", "director@VN", *at)
    assert len(person["password"]) == 19
    assert answer("people", "add", "daodien", "--name", "x", *at, status=1)["code"] == "conflict"
    assert answer("people", "grant", "daodien", "chair@VN", *at)["grants"] == [
        {"role": "chair", "unit": "VN"}
    ]
    assert answer("people", "grant", "daodien", "king@VN", *at, status=1)["code"] == "bad_request"
    assert [p["username"] for p in answer("people", "list", *at)["people"]] == ["daodien"]
    assert answer("people", "passwd", "daodien", *at)["password"]
    made = answer("sites", "add", "--unit", "70", "--level", "district", *at)["sites"]
    assert len(made) == 11
    assert len(answer("sites", "list", "--unit", "70", *at)["sites"]) == 11
    assert answer("sites", "tests", made[0]["id"], *at) == {"tests": []}
    waiting = answer("sites", "tests", "--unit", "70", "--cause", "no_code", "--limit", "7", *at)["rows"]
    assert [row["site"] for row in waiting] == [site["id"] for site in made][:7]
    assert "never" in runner.invoke(app, ["sites", "tests", "--unit", "70", *at]).stdout
    [code] = answer("sites", "activate", made[0]["id"], "--url", "http://x", *at)["codes"]
    assert code["link"] == f"http://x/vao#code={code['code']}"
    meeting = answer("meetings", "create", "Họp", "--scope", "70:district", *at)
    assert meeting["sites"] == 11
    assert answer("meetings", "open", meeting["id"], *at)["stream"] == f"meeting:{meeting['id']}"
    done = answer("meetings", "command", meeting["id"], "message.post", "text=chào", "to=all", *at)
    assert done["seq"] == answer("meetings", "show", meeting["id"], *at)["seq"]
    assert answer("meetings", "command", meeting["id"], "no.such", *at, status=1)["code"] == "bad_request"
    answer("meetings", "end", meeting["id"], *at)
    assert answer("meetings", "list", *at)["meetings"][0]["status"] == "ended"
    assert answer("meetings", "open", meeting["id"], *at, status=1)["code"] in (
        "wrong_state",
        "meeting_not_open",
    )


def test_a_list_is_imported_asked_about_mended_and_exported(data: Path, tmp_path: Path) -> None:
    at = ("--data", str(data))
    file, answers, rejected = tmp_path / "ds.csv", tmp_path / "answers.json", tmp_path / "loi.csv"
    file.write_text(
        "Tỉnh;Xã;Liên hệ\nBình Phước;Xã Tân Lợi;0912345678\nBình Phước;Xã Đường 10;chưa có\n"
        "Bình Phước;Qqqqq;\nBình Phước;Thị trấn Tân Phú;0912345679\n",
        encoding="utf-8",
    )
    dry = answer("sites", "import", str(file), "--dry-run", "--map", "C=phone", *at)
    assert (dry["sites"]["created"], dry["asked"], dry["rejected"]) == (1, 1, 3)
    assert answer("sites", "list", *at)["sites"] == []
    [question] = dry["questions"]
    assert question["text"] == "Xã Tân Lợi"
    answers.write_text(json.dumps({question["text"]: "25378"}))
    arguments = ("--answers", str(answers), "--map", "Liên hệ=phone", "--rejected", str(rejected))
    done = answer("sites", "import", str(file), *arguments, *at)
    assert (done["status"], done["sites"]["created"]) == ("done", 2)
    assert {one["row"]: one["code"] for one in done["rejections"]} == {3: "bad_phone", 4: "unit_unknown"}
    mended = rejected.read_text(encoding="utf-8-sig").replace("chưa có", "0912345670")
    file.write_text(mended, encoding="utf-8")
    assert answer("sites", "import", str(file), *at)["sites"]["created"] == 1
    answer("sites", "export", str(tmp_path / "ra.xlsx"), *at)
    again = runner.invoke(app, ["sites", "import", str(tmp_path / "ra.xlsx"), *at])
    assert "0 new, 0 changed, 3 as they were; 0 of 3 rows not taken" in again.stdout, again.output
    for arguments, code in (
        (("import", str(file), "--map", "Z=phone"), "bad_request"),
        (("import", str(file), "--sheet", "x", "--within", "99999"), "unit_not_found"),
        (("export", str(tmp_path / "x.pdf")), "bad_request"),
    ):
        assert answer("sites", *arguments, *at, status=1)["code"] == code


def test_somebody_is_let_in_no_more(data: Path) -> None:
    at = ("--data", str(data))
    answer("people", "add", "daodien", "--name", "Bình", "--grant", "director@VN", *at)
    answer("people", "add", "thuky", "--name", "An", *at)
    assert answer("people", "disable", "daodien", *at)["disabled"] is True
    listed = answer("people", "list", *at)["people"]
    assert {person["username"]: person["disabled"] for person in listed} == {"daodien": True, "thuky": False}
    assert answer("people", "disable", "nobody", *at, status=1)["code"] == "not_found"
    assert "disabled" in runner.invoke(app, ["people", "disable", "thuky", *at]).stdout


def test_codes_and_devices_of_sites_are_revoked(data: Path) -> None:
    at = ("--data", str(data))
    made = answer("sites", "add", "--unit", "70", "--level", "district", *at)["sites"]
    first, second, third = (site["id"] for site in made[:3])
    answer("sites", "activate", first, second, third, *at)
    assert answer("sites", "revoke", first, second, *at) == {
        "sites": [first, second],
        "devices": False,
        "revoked": 2,
    }
    [code] = answer("sites", "activate", first, *at)["codes"]
    anyio.run(activate, data, code["code"])
    # The code is used: what is left of the site is its device.
    assert answer("sites", "revoke", first, *at)["revoked"] == 0
    assert answer("sites", "revoke", first, "--devices", *at)["revoked"] == 1
    assert answer("sites", "revoke", "s_nowhere", *at, status=1)["code"] == "site_not_found"
    assert "codes revoked: 1" in runner.invoke(app, ["sites", "revoke", third, *at]).stdout


def test_a_program_gets_a_bearer_at_the_console_alone(data: Path) -> None:
    at = ("--data", str(data))
    [site] = answer("sites", "add", "--unit", "70", *at)["sites"]
    first = answer("sites", "program", site["id"], *at)
    second = answer("sites", "program", site["id"], *at)
    assert len(first["credential"]) == 43 and first["credential"] != second["credential"]
    assert (first["replaced"], second["replaced"]) == (False, True)
    assert answer("sites", "program", "s_none", *at, status=1)["code"] == "site_not_found"


def test_sheets_are_printed_into_a_file_of_their_own(data: Path, tmp_path: Path) -> None:
    at = ("--data", str(data))
    answer("sites", "add", "--unit", "70", "--level", "district", *at)
    file = tmp_path / "phieu.pdf"
    made = answer("sites", "sheets", "--unit", "70", "--out", str(file), "--url", "https://cau.test", *at)
    assert (made["sheets"], made["bytes"]) == (11, file.stat().st_size)
    assert file.stat().st_mode & 0o777 == 0o600 and len(PdfReader(file).pages) == 11
    again = answer("sites", "sheets", "--unit", "70", "--out", str(file), *at, status=1)
    assert again["code"] == "file_exists"
    other = ("--out", str(tmp_path / "other.pdf"), "--url", "https://cau.test")
    assert answer("sites", "sheets", "--unit", "01", *other, *at, status=1)["code"] == "nothing_to_print"
    assert not (tmp_path / "other.pdf").exists()


async def activate(data: Path, code: str) -> None:
    """As the device of a site does."""
    async with open_rooms(Settings(data=data)) as rooms:
        await rooms.access.activate(code, address="a")


def test_load_is_for_this_machine_unless_said_otherwise() -> None:
    assert answer("load", "--server", "http://192.0.2.1", status=1)["code"] == "not_loopback"
    assert (
        is_loopback("http://127.0.0.1:8080")
        and is_loopback("http://[::1]:1")
        and is_loopback("http://localhost")
    )
    for url in ("http://0.0.0.0", "http://192.0.2.7", "no url", "http://127.0.0.1.example.invalid"):
        assert not is_loopback(url)


def test_settings_that_make_no_sense_are_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIEMCAU_PORT", "many")
    assert answer("people", "list", "--data", str(data), status=1)["code"] == "bad_settings"


def test_the_doctor_names_one_action_for_each_fault(data: Path) -> None:
    done = runner.invoke(app, ["doctor", "--json", "--data", str(data), "--host", "0.0.0.0"])
    found = {finding["name"]: finding for finding in json.loads(done.stdout.splitlines()[-1])["findings"]}
    assert found["UDP"]["ok"] and found["database"]["ok"]
    assert not found["secure context"]["ok"]
    assert all(finding["ok"] or finding["action"] for finding in found.values())


def test_the_doctor_knows_what_the_kernel_must_allow(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that the settings we ship satisfy it."""
    shipped = (Path(__file__).resolve().parents[2] / "deploy" / "90-diemcau.conf").read_text()
    for _, key, place, least, _ in doctor.KERNEL:
        path = tmp_path / key.replace(".", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\t".join(["9"] * (place + 1)))
        line = next(line for line in shipped.splitlines() if line.lstrip("#").startswith(f"{key} = "))
        assert int(line.split("=")[1].split()[place]) >= least
    monkeypatch.setattr(doctor, "PROC", tmp_path)
    found = doctor.kernel(Settings(data=data))
    assert not any(finding.ok for finding in found)
    assert 'sysctl -w net.ipv4.udp_mem="9 9 262144"' in found[2].action
    assert all(finding.warning for finding in found), "a smaller server does with less"


def test_the_doctor_says_when_pages_would_be_sent_to_loopback_for_media(data: Path) -> None:
    proxied = {"data": data, "public_url": "https://cau.example.vn"}
    assert "--media-bind" in doctor.media_reach(Settings(**proxied)).action
    assert doctor.media_reach(Settings(**proxied, media_bind="0.0.0.0:40000")).ok
    assert doctor.media_reach(Settings(data=data)).ok


@pytest.fixture(scope="module")
def units() -> Units:
    return Units.load(SEPTEMBER_2021)


@pytest.mark.parametrize("simulated", [1, 2, 10, 60, 64, 300, 5000])
def test_the_nation_of_a_seed(units: Units, simulated: int) -> None:
    made = plan(units, simulated=simulated, seed=7)
    assert made == plan(units, simulated=simulated, seed=7)
    assert len(made.sites) == 1 + 63 + 705 + 9043 == 9812
    assert len(made.simulated) == len(set(made.simulated)) == simulated
    assert made.simulated[0] == CENTRE
    known = {site.id for site in made.sites}
    assert {made.newcomer, *made.spare, *made.simulated} <= known
    assert not {made.newcomer, *made.spare} & set(made.simulated)
    assert units.get(made.newcomer.removeprefix("s_")).level is Level.COMMUNE
    if simulated >= 100:
        provinces = {f"s_{unit.code}" for unit in units.subtree("VN", {Level.PROVINCE})}
        assert provinces <= set(made.simulated)
