"""What is served to Prometheus, and how. The families' names and meanings are in docs/operating.md.

The library's collectors of the process itself are left out: its processor time, its memory and its garbage follow the blocks
that come (`coarse.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from recorder.errors import MetricsError

Label = TypeVar("Label", bound=tuple[str, ...])
"""The values of the labels of one figure."""


class Source(Protocol):
    """What has figures. May be asked by several threads at once."""

    def collect(self) -> Iterable[Metric]:
        """The figures as they are now."""
        ...


class _Collector(Collector):
    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterable[Metric]:
        return self._source.collect()


@contextmanager
def serve(host: str, port: int, source: Source) -> Iterator[int]:
    """Serve `source` at an address of this machine; gives the port, which is a free one if `port` is 0. MetricsError."""
    registry = CollectorRegistry()
    registry.register(_Collector(source))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise MetricsError(f"metrics cannot be served at {host}:{port}: {error.strerror}") from error
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def gauge(name: str, told: str, value: float | Mapping[Label, float], labels: tuple[str, ...] = ()) -> Metric:
    """A family of figures that go up and down."""
    return _filled(GaugeMetricFamily(name, told, labels=labels), value)


def counter(name: str, told: str, value: float | Mapping[Label, float], labels: tuple[str, ...] = ()) -> Metric:
    """A family of figures that go up; `name` ends with `_total`."""
    return _filled(CounterMetricFamily(name, told, labels=labels), value)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, value: float | Mapping[Label, float]) -> Metric:
    for labels, each in value.items() if isinstance(value, Mapping) else [((), value)]:
        family.add_metric(labels, each)
    return family
