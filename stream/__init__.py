"""Streaming: frames from a source, keypoints and a count from an engine, pictures to the sinks."""

import os

# Without it some cameras take a minute to open on Windows (OpenCV's issue 17687). OpenCV may know
# the environment as it was when it was imported only, so this comes before.
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
