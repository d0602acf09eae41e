"""A clip → an annotated video, by the loop that a user would write with OpenCV and ONNX Runtime.

    python plain_loop.py CLIP OUT.mp4 MODEL.onnx [h264]

The video is mp4v unless h264 is asked for. The last line on stdout is JSON: what was done, and how
fast from the first frame written on.
"""

from __future__ import annotations

import json
import sys
import time

import cv2
import h264
import onnxruntime as ort

SURE = 0.3  # what a heatmap's peak must reach to be drawn


def main() -> None:
    """Words → a video and a line of JSON."""
    clip, out, model = sys.argv[1:4]
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    _, height, width, _ = session.get_inputs()[0].shape
    capture = cv2.VideoCapture(clip)
    size = (
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
    )
    fps = capture.get(cv2.CAP_PROP_FPS)
    if "h264" in sys.argv:
        writer = h264.Writer(out, fps, size)
    else:
        writer = cv2.VideoWriter(out, cv2.VideoWriter_fourcc(*"mp4v"), fps, size)
    written_s = []
    found = 0
    while True:
        read, frame = capture.read()
        if not read:
            break
        picture = cv2.resize(frame, (width, height))
        heatmaps = session.run(["heatmaps"], {"images": picture[None]})[0][0]
        _, rows, columns = heatmaps.shape
        seen = False
        for heatmap in heatmaps:
            row, column = divmod(int(heatmap.argmax()), columns)
            if heatmap[row, column] > SURE:
                seen = True
                x, y = (column + 0.5) * size[0] / columns, (row + 0.5) * size[1] / rows
                cv2.circle(frame, (round(x), round(y)), 6, (0, 255, 0), -1)
        found += seen
        writer.write(frame)
        written_s.append(time.perf_counter())
    capture.release()
    writer.release()
    print(
        json.dumps(
            {
                "video": out,
                "steady_fps": (len(written_s) - 1) / (written_s[-1] - written_s[0]),
                "found": found,
                "versions": {"onnxruntime": ort.__version__, "opencv": cv2.__version__},
            }
        )
    )


if __name__ == "__main__":
    main()
