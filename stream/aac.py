"""Decoded sound of any kind → packets of AAC."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer

_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}

_log = logging.getLogger("kpstream")


class AacEncoder:
    """Frames of sound, which may change their kind on the way → a stream of AAC that does not."""

    def __init__(self, output: OutputContainer, rate: int, channels: int) -> None:
        self.stream: AudioStream = output.add_stream("aac", rate=rate if rate in _RATES else 48_000)
        self.stream.codec_context.layout = "mono" if channels == 1 else "stereo"
        self._kind: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None
        self._end = -(1 << 62)  # of what was encoded, in samples

    def encode(self, frame: AudioFrame) -> Iterator[av.Packet[AudioStream]]:
        """A frame → the packets that are ready; none of one that cannot be converted."""
        try:
            for alike in self._alike(frame):
                if self._follows(alike):
                    yield from self.stream.encode(alike)
        except (av.FFmpegError, ValueError) as error:
            _log.debug("a frame of sound was skipped: %s", error)

    def finish(self) -> Iterator[av.Packet[AudioStream]]:
        """The packets that are left; none if they cannot be had: sound never costs the pictures."""
        try:
            for alike in self._rest():
                if self._follows(alike):
                    yield from self.stream.encode(alike)
            yield from self.stream.encode(None)
        except (av.FFmpegError, ValueError) as error:
            _log.debug("the end of the sound was skipped: %s", error)

    def _alike(self, frame: AudioFrame) -> list[AudioFrame]:
        """A frame → frames of the stream's own kind; PyAV's encoder takes no other after one."""
        rest: list[AudioFrame] = []
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or kind != self._kind:
            rest = self._rest()
            encoder = self.stream.codec_context
            self._resampler = AudioResampler(encoder.format, encoder.layout, encoder.sample_rate)
            self._kind = kind
        return rest + [self._timed(part) for part in self._resampler.resample(frame)]

    def _follows(self, frame: AudioFrame) -> bool:
        """Whether a frame is behind what was encoded, to half its length; then it is to a sample.

        Containers round times; and time that stepped back would end the run: no muxer takes it.
        """
        if frame.pts is None:
            return True
        if frame.pts < self._end - frame.samples // 2:
            return False
        frame.pts = max(frame.pts, self._end)
        self._end = frame.pts + frame.samples
        return True

    def _rest(self) -> list[AudioFrame]:
        """What the converter of the kind before still holds."""
        resampler, self._resampler = self._resampler, None
        return [] if resampler is None else [self._timed(f) for f in resampler.resample(None) if f]

    def _timed(self, frame: AudioFrame) -> AudioFrame:
        """A frame with its time in samples: PyAV's encoder keeps the unit of the first one."""
        unit = Fraction(1, self.stream.codec_context.sample_rate)
        if frame.pts is not None and frame.time_base is not None:
            frame.pts = round(frame.pts * frame.time_base / unit)
        frame.time_base = unit
        return frame
