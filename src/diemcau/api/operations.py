"""Doors for those who run the server: liveness, readiness, metrics, the authority's certificate."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from diemcau.api.asker import CurrentServices
from diemcau.errors import NotFound
from diemcau.media import MediaError, MediaUnavailable

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(services: CurrentServices) -> dict[str, str]:
    """The database and the media node can be used; else a problem that says which cannot."""
    await services.ready()
    if not services.node.connected:
        raise MediaUnavailable("No media node is connected")
    return {"status": "ready"}


@router.get("/metrics")
async def metrics(services: CurrentServices) -> Response:
    """Prometheus text."""
    try:
        services.metrics.node = await services.stage.stats()
    except MediaError:
        services.metrics.node = None
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/ca.crt", include_in_schema=False)
async def authority(services: CurrentServices) -> Response:
    """The certificate of the authority that `serve --tls` made, for phones on the LAN."""
    if services.options.certificate is None:
        raise NotFound("This server has no certificate authority of its own")
    return Response(
        services.options.certificate,
        media_type="application/x-x509-ca-cert",
        headers={"Content-Disposition": 'attachment; filename="diemcau-ca.crt"'},
    )
