"""The authority of a first installation, and the certificate it signs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from diemcau.api.certificates import ensure

NOW = datetime(2021, 9, 5, tzinfo=UTC)


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_what_is_good_is_kept_and_what_is_not_is_made_anew(tmp_path: Path) -> None:
    first = ensure(tmp_path, ["192.0.2.7"], NOW)
    kept = first.certificate.read_bytes()
    assert ensure(tmp_path, ["192.0.2.7"], NOW + timedelta(days=300)).certificate.read_bytes() == kept
    assert ensure(tmp_path, ["192.0.2.8"], NOW).certificate.read_bytes() != kept
    assert load(first.certificate).not_valid_after_utc > NOW
    old = first.certificate.read_bytes()
    assert ensure(tmp_path, ["192.0.2.8"], NOW + timedelta(days=390)).certificate.read_bytes() != old


def test_an_authority_that_was_made_anew_signs_the_certificate_anew(tmp_path: Path) -> None:
    first = ensure(tmp_path, ["192.0.2.7"], NOW)
    (tmp_path / "ca.key").unlink()
    first.authority.unlink()
    again = ensure(tmp_path, ["192.0.2.7"], NOW)
    load(again.certificate).verify_directly_issued_by(load(again.authority))


def test_a_key_that_is_not_the_certificates_is_replaced(tmp_path: Path) -> None:
    first = ensure(tmp_path, ["192.0.2.7"], NOW)
    other = ensure(tmp_path / "other", ["192.0.2.7"], NOW)
    first.key.write_bytes(other.key.read_bytes())
    kept = first.certificate.read_bytes()
    assert ensure(tmp_path, ["192.0.2.7"], NOW).certificate.read_bytes() != kept
