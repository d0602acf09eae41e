"""Sources: where frames come from; one file a kind, each with `open_source`."""
