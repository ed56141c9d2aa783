"""Prometheus metrics of the doors. Names are stable: dashboards know them."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from diemcau.media import wire

_NODE_GAUGES = {"viewers", "publishers", "tracks", "rss_bytes", "tcp_open"}


class Metrics:
    """One registry a server, so that two servers in one process (tests) do not share counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.node: wire.StatsReply | None = None
        self.requests = Counter(
            "diemcau_http_requests", "HTTP requests", ["method", "route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "diemcau_http_request_seconds",
            "Time to answer",
            ["route"],
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=self.registry,
        )
        self.connections = Gauge(
            "diemcau_ws_connections", "Open WebSockets", ["page"], registry=self.registry
        )
        self.closes = Counter(
            "diemcau_ws_closes", "Closed WebSockets by close code", ["code"], registry=self.registry
        )
        self.commands = Counter(
            "diemcau_commands", "Commands by type and result", ["type", "result"], registry=self.registry
        )
        self.counted = cache(self.commands.labels)
        """The same by type and result: looking one up costs as much as the counting, ten thousand times."""
        self.admission_seconds = Histogram(
            "diemcau_admission_seconds",
            "Time in the queue at the door",
            buckets=(0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120),
            registry=self.registry,
        )
        self.joins = Counter("diemcau_joins", "Sites that joined a meeting", registry=self.registry)
        self.sent = Counter("diemcau_ws_sent", "Messages queued for clients", registry=self.registry)
        self.dropped = Counter(
            "diemcau_ws_ephemeral_dropped", "Ephemeral messages dropped: queue full", registry=self.registry
        )
        self.resyncs = Counter(
            "diemcau_ws_resyncs", "Streams brought up again after a gap", registry=self.registry
        )
        self.limited = Counter(
            "diemcau_limited", "Requests refused by a rate limit", ["door"], registry=self.registry
        )
        self.media = Counter(
            "diemcau_media_doors",
            "Viewers and publishers asked for",
            ["what", "result"],
            registry=self.registry,
        )
        self.pictures = Gauge("diemcau_pictures_bytes", "Bytes of kept pictures", registry=self.registry)
        self.registry.register(_NodeCollector(self))

    def add_gauge(self, name: str, text: str, read: Any) -> None:
        """A gauge that is read when asked for; `read() -> float`."""
        Gauge(name, text, registry=self.registry).set_function(read)


class _NodeCollector(Collector):
    """The media node's counters, as it last told them."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        stats = self._metrics.node
        up = GaugeMetricFamily("diemcau_node_up", "Whether the media node answers")
        up.add_metric([], 0 if stats is None else 1)
        yield up
        if stats is None:
            return
        for name, value in stats.model_dump(exclude={"kind", "refused"}).items():
            family = GaugeMetricFamily if name in _NODE_GAUGES else CounterMetricFamily
            metric = family(f"diemcau_node_{name}", f"Media node: {name}")
            metric.add_metric([], value)
            yield metric
        refused = CounterMetricFamily("diemcau_node_refused", "Datagrams refused", labels=["reason"])
        for reason, count in stats.refused.items():
            refused.add_metric([reason], count)
        yield refused
