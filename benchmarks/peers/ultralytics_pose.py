"""A clip → an annotated video, by Ultralytics pose as its page on prediction has it.

    python ultralytics_pose.py CLIP FOLDER [THREADS]

The network is built from the yaml that ships with the package: the speed needs no trained weights,
but nothing is found and so nothing is drawn. `stream=True` is what its page says for long videos.
Ultralytics takes all cores but one for torch; THREADS takes that many. The last line on stdout is
JSON: what was done, and how fast from the first frame written on.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import cv2
import torch
import ultralytics

NETWORK = "yolo26n-pose.yaml"


def main() -> None:
    """Words → a video and a line of JSON."""
    clip, folder = Path(sys.argv[1]), Path(sys.argv[2])
    model = ultralytics.YOLO(NETWORK)
    if len(sys.argv) > 3:
        threads = int(sys.argv[3])  # when prediction begins, for opening the device sets its own
        model.add_callback("on_predict_start", lambda _: torch.set_num_threads(threads))
    written_s = []
    found = 0
    for result in model.predict(
        source=clip, save=True, stream=True, project=folder.resolve(), name="ultralytics"
    ):
        written_s.append(time.perf_counter())
        found += len(result) > 0
    (video,) = (folder / "ultralytics").glob(f"{clip.stem}.*")  # its ending goes by the system
    print(
        json.dumps(
            {
                "video": str(video),
                "steady_fps": (len(written_s) - 1) / (written_s[-1] - written_s[0]),
                "found": found,
                "torch_threads": torch.get_num_threads(),
                "versions": {
                    "ultralytics": ultralytics.__version__,
                    "torch": torch.__version__,
                    "opencv": cv2.__version__,
                },
            }
        )
    )


if __name__ == "__main__":
    main()
