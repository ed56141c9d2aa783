"""An authority and a server certificate of our own, for a first installation on a LAN.

Browsers give a page its camera only in a secure context; a phone that trusts this authority has one.
"""

import ipaddress
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
"""Apple's platforms refuse server certificates that live longer than 398 days."""

RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of a server's TLS. `fingerprint`: SHA-256 of the authority, as people compare it."""

    authority: Path
    certificate: Path
    key: Path
    fingerprint: str
    names: tuple[str, ...]


def ensure(folder: Path, names: Iterable[str], now: datetime) -> Certificates:
    """The authority of `folder` (made once) and a server certificate for these names and addresses.

    The server's is made anew when names are missing from it or it ends within 30 days. Keys are mode 0600.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority, authority_key = _authority(folder, now)
    wanted = tuple(dict.fromkeys(["localhost", "127.0.0.1", "::1", socket.gethostname(), *names]))
    certificate, key = folder / "server.crt", folder / "server.key"
    if not _good(certificate, key, wanted, authority, now):
        _issue(certificate, key, wanted, authority, authority_key, now)
    fingerprint = authority.fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificates(folder / "ca.crt", certificate, key, fingerprint, wanted)


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if certificate.exists() and key.exists():
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        if isinstance(loaded, ec.EllipticCurvePrivateKey) and found.not_valid_after_utc - RENEW_BEFORE > now:
            return found, loaded
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Diem Cau {socket.gethostname()}"[:64])])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(made.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(made.public_key()), critical=False)
        .sign(made, hashes.SHA256())
    )
    _write_key(key, made)
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    return built, made


def _issue(
    certificate: Path,
    key: Path,
    names: tuple[str, ...],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> None:
    made = ec.generate_private_key(ec.SECP256R1())
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[-1][:64])]))
        .issuer_name(authority.subject)
        .public_key(made.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=SERVER_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(key, made)
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))


def _good(
    certificate: Path, key: Path, names: tuple[str, ...], authority: x509.Certificate, now: datetime
) -> bool:
    if not (certificate.exists() and key.exists()):
        return False
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    try:
        found.verify_directly_issued_by(authority)  # by its key: an authority made anew has the same name
        held_key = load_pem_private_key(key.read_bytes(), None)
    except (ValueError, TypeError, InvalidSignature):
        return False
    held = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        held_key.public_key() == found.public_key()
        and found.not_valid_after_utc - RENEW_BEFORE > now
        and {_general(name) for name in names} <= set(held)
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign,
        crl_sign=sign,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
