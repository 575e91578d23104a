"""OpenTelemetry traces: on where STACKLING_OTLP_ENDPOINT names a collector, else nothing is imported and nothing costs.

One trace spans a request, the operation that it began, each of its steps, and what hosts do for them: the context is kept as
W3C `traceparent` in the operation and in the cast. Spans carry ids, names and states; never a header, a query, a body or a text of
a user. A collector that is slow or away slows nobody: spans wait in a queue of their own, and what does not fit is dropped.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

log = logging.getLogger(__name__)

QUEUE = 2048  # spans that wait for the collector
BATCH = 256
EVERY_MS = 2000
PATIENCE = 3.0  # seconds that the collector may take for a batch

_tracer: Any = None


def endpoint() -> str:
    return os.environ.get("STACKLING_OTLP_ENDPOINT", "").rstrip("/")


def is_on() -> bool:
    return _tracer is not None


def start(process: str, **resource: str) -> None:
    """Begin to trace this process, if the setting says so. Once; after a fork, in the child."""
    global _tracer
    if not endpoint() or _tracer is not None:
        return
    try:
        _tracer = _made(process, resource)
    except ImportError as error:
        log.error("STACKLING_OTLP_ENDPOINT is set, and OpenTelemetry cannot be loaded: %s", error)


def _made(process: str, resource: dict[str, str]) -> object:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    about = {"service.namespace": "stackling", "service.name": process, **resource}
    provider = TracerProvider(resource=Resource(about), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint()}/v1/traces", timeout=PATIENCE)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=QUEUE, max_export_batch_size=BATCH, schedule_delay_millis=EVERY_MS)
    )
    return provider.get_tracer("stackling")


@contextmanager
def span(name: str, parent: str = "", kind: str = "internal", **attributes: Any) -> Iterator[Any]:
    """Open a span around the block. `parent` is a traceparent from elsewhere; "" goes on with this thread's own.

    Gives the span, or None where nothing is traced. An exception of the block ends it as an error, by its class alone. Names of
    attributes have __ for a dot.
    """
    if _tracer is None:
        yield None
        return
    from opentelemetry import trace

    known = {key.replace("__", "."): value for key, value in attributes.items() if value not in (None, "")}
    how = trace.SpanKind[kind.upper()]
    with _tracer.start_as_current_span(
        name,
        context=_context(parent),
        kind=how,
        attributes=known,
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except BaseException as error:
            made.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def _context(parent: str) -> object:
    if not parent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})


def traceparent() -> str:
    """Return the `traceparent` of this thread's span; "" where nothing is traced."""
    if _tracer is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def failed(why: str) -> None:
    """End this thread's span as an error. `why` is a code of ours, no text."""
    if _tracer is not None:
        from opentelemetry import trace

        trace.get_current_span().set_status(trace.StatusCode.ERROR, why)


def note(**attributes: Any) -> None:
    """More about this thread's span, known only now."""
    if _tracer is not None:
        from opentelemetry import trace

        found = trace.get_current_span()
        for name, value in attributes.items():
            if value not in (None, ""):
                found.set_attribute(name.replace("__", "."), value)


def is_within() -> bool:
    """Whether this thread is in a span that is kept."""
    if _tracer is None:
        return False
    from opentelemetry import trace

    return bool(trace.get_current_span().is_recording())
