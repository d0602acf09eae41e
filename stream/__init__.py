"""Streaming: frames from a source, keypoints and a count from an engine, pictures to the sinks."""
