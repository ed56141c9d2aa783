"""A device as a browser is one: a key of P-256, and what it signs."""

from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from diemcau.access import Purpose
from diemcau.access.proofs import encode, message


@dataclass
class Device:
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    name: str = ""

    @property
    def key(self) -> str:
        """The public key as pages send it."""
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return encode(point)

    def sign(self, purpose: str, origin: str, nonce: str, subject: str) -> str:
        """As WebCrypto signs: r and s."""
        der = self.private.sign(message(Purpose(purpose), origin, nonce, subject), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        return encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def activation(self, code: str, origin: str, nonce: str) -> dict[str, Any]:
        """The body of `POST /activation`."""
        signature = self.sign("activate", origin, nonce, f"{code}\n{self.key}")
        return {"code": code, "key": self.key, "nonce": nonce, "signature": signature}

    def session(self, origin: str, nonce: str) -> dict[str, Any]:
        """The body of `POST /device/session`."""
        signature = self.sign("session", origin, nonce, self.name)
        return {"device": self.name, "nonce": nonce, "signature": signature}

    async def nonce(self, client: Any, purpose: str) -> str:
        """A nonce of the server's."""
        answer = await client.post("/api/v1/device/challenge", json={"purpose": purpose})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["nonce"])

    async def activate(self, client: Any, code: str, **more: Any) -> Any:
        """Activates itself; the client keeps the cookie and, when it went well, the page's secret."""
        origin = str(client.base_url).rstrip("/")
        body = self.activation(code, origin, await self.nonce(client, "activate"))
        return self._told(client, await client.post("/api/v1/activation", json={**body, **more}))

    async def open(self, client: Any) -> Any:
        """Opens a session."""
        origin = str(client.base_url).rstrip("/")
        body = self.session(origin, await self.nonce(client, "session"))
        return self._told(client, await client.post("/api/v1/device/session", json=body))

    def _told(self, client: Any, answer: Any) -> Any:
        if answer.status_code == 200:
            said = answer.json()
            self.name = said.get("device", self.name)
            client.headers["X-CSRF-Token"] = said["me"]["csrf"]
        return answer
