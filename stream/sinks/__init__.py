"""Sinks: where results go; one file a kind, each with `open_sink(…) -> Sink`."""
