"""The answer to Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response


def exposition(registry: CollectorRegistry, request: Request) -> Response:
    """What `registry` tells, in the format that was asked for."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": content_type})
