"""A clip → an annotated video, by MediaPipe Hands as its quick start for video has it.

    python mediapipe_hands.py CLIP OUT.mp4 [h264]

The lite landmark model, a confidence of 0.5, and tracking between detections. The video is mp4v
unless h264 is asked for. The last line on stdout is JSON: what was done, and how fast from the
first frame written on.
"""

from __future__ import annotations

import json
import sys
import time

import cv2
import h264
import mediapipe as mp

hands_of = mp.solutions.hands
drawing = mp.solutions.drawing_utils
styles = mp.solutions.drawing_styles


def main() -> None:
    """Words → a video and a line of JSON."""
    clip, out = sys.argv[1:3]
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
    with hands_of.Hands(
        model_complexity=0, min_detection_confidence=0.5, min_tracking_confidence=0.5
    ) as hands:
        while True:
            read, frame = capture.read()
            if not read:
                break
            picture = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            picture.flags.writeable = False  # so that it is handed over without a copy
            landmarks = hands.process(picture).multi_hand_landmarks
            for hand in landmarks or []:
                drawing.draw_landmarks(
                    frame,
                    hand,
                    hands_of.HAND_CONNECTIONS,
                    styles.get_default_hand_landmarks_style(),
                    styles.get_default_hand_connections_style(),
                )
            found += bool(landmarks)
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
                "versions": {"mediapipe": mp.__version__, "opencv": cv2.__version__},
            }
        )
    )


if __name__ == "__main__":
    main()
