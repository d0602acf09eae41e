"""The sound of one file → into another, in step with pictures that are written meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Generator
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer

from stream.media import open_media

_log = logging.getLogger("kpstream")

# What players expect in a file of that kind. The muxer takes more, which then stays silent in many;
# the rest becomes AAC. Matroska takes whatever its muxer takes.
_COPIED = {
    "mp4": {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "flac", "opus", "libopus"},
    "mov": {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"},
}

_AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}


class SoundCopy:
    """The first sound stream of `media` → packets in `output`, at the same media time.

    Made before the output's header is written. Copied packet for packet where the kind of file
    takes the codec, else turned into AAC. Sound that breaks off ends; it never costs the pictures.
    """

    def __init__(self, media: str, output: OutputContainer) -> None:
        self._input = open_media(media)
        self._output = output
        self._source = self._input.streams.audio[0]
        self._target, copied = _added(output, self._source)
        # The clock of the pictures starts where the container does (stream/sources/video.py).
        self._start_s = Fraction(self._input.start_time or 0, av.time_base)
        self._packets = self._shifted() if copied else self._encoded()
        self._waiting: av.Packet[AudioStream] | None = None

    def write_until(self, time_s: float) -> None:
        """Write the packets that begin before a media time in seconds."""
        while (packet := self._waiting or next(self._packets, None)) is not None:
            begin = packet.dts
            if begin is not None and begin * packet.time_base >= time_s:
                self._waiting = packet
                return
            self._waiting = None
            self._output.mux_one(packet)

    def close(self) -> None:
        """Close the file that the sound comes from."""
        self._packets.close()
        self._input.close()

    def _shifted(self) -> Generator[av.Packet[AudioStream], None, None]:
        """The source's packets, counted from the start of its container, in rising order."""
        shift = self._ticks(self._source.time_base)
        unframed = _adts_filter(self._source)
        last: int | None = None
        for packet in self._read():
            if packet.dts is None or packet.pts is None or packet.size == 0:
                continue
            if last is not None and packet.dts <= last:
                continue  # the muxer would refuse it, and the run would end for its sake
            last = packet.dts
            packet.dts, packet.pts = packet.dts - shift, packet.pts - shift
            for ready in unframed.filter(packet) if unframed else [packet]:
                ready.stream = self._target
                yield ready

    def _encoded(self) -> Generator[av.Packet[AudioStream], None, None]:
        """The source's sound, decoded and encoded as AAC."""
        for packet in self._read():
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue
            for frame in frames:
                if frame.pts is not None:
                    frame.pts -= self._ticks(frame.time_base)
                yield from self._target.encode(frame)
        yield from self._target.encode(None)

    def _ticks(self, time_base: Fraction | None) -> int:
        """Where the container starts, in units of a time base."""
        return 0 if time_base is None else round(self._start_s / time_base)

    def _read(self) -> Generator[av.Packet[AudioStream], None, None]:
        try:
            yield from self._input.demux(self._source)
        except av.FFmpegError as error:
            _log.warning("the sound of %s breaks off: %s", self._input.name, error.strerror)


def _adts_filter(source: AudioStream) -> BitStreamFilterContext | None:
    """What takes AAC out of the frames that a transport stream has it in; None if it has none.

    They are known by the missing description of the codec: it stands in each frame instead.
    """
    encoded = source.codec_context
    if encoded.name != "aac" or encoded.extradata:
        return None
    return BitStreamFilterContext("aac_adtstoasc", source)


def _added(output: OutputContainer, source: AudioStream) -> tuple[AudioStream, bool]:
    """A stream for the sound in the output, and whether it takes the packets as they are."""
    codec = source.codec_context.name
    allowed = _COPIED.get(output.format.name)
    if allowed is None or codec in allowed:
        try:
            return output.add_stream_from_template(source), True
        except ValueError:
            pass  # the muxer does not take it
    rate = source.codec_context.sample_rate
    target = output.add_stream("aac", rate=rate if rate in _AAC_RATES else 48_000)
    target.codec_context.layout = "mono" if source.codec_context.channels == 1 else "stereo"
    return target, False
