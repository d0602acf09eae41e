"""The sound of one file → into another, in step with pictures that are written meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Generator
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from stream.aac import AacEncoder
from stream.frame import SourceInfo
from stream.joins import PictureTimes, SoundTimes, shift
from stream.media import open_media, packets_of, pictures_of

_log = logging.getLogger("kpstream")

# What players expect in a file of that kind. The muxer takes more, which then stays silent in many;
# the rest becomes AAC. Matroska takes whatever its muxer takes.
_COPIED = {
    "mp4": {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "flac", "opus", "libopus"},
    "mov": {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"},
}

_PRIMES_S = 0.05  # of sound that is not heard, a decoder may need the last
_BEHIND_S = 1.0  # sound often ends a little after the pictures
_FOLLOWS_S = 0.5  # the last pictures may be damaged, and times may have been made to rise


def copied_sound(info: SourceInfo, output: OutputContainer) -> SoundCopy | None:
    """The sound of a source → what copies it; None, with a warning, if there is none to be read."""
    if info.media is None:
        return None
    if info.live:  # it would have to be read twice, and each reader is sent something else
        _log.warning("the sound of %s is not recorded, for it is live", info.name)
        return None
    try:
        container = open_media(info.media)
    except av.FFmpegError as error:
        _log.warning("the sound of %s cannot be read: %s", info.name, error.strerror)
        return None
    pictures = pictures_of(container)
    for source in container.streams.audio:
        # FFmpeg may not know the codec, and a stream may be announced in which nothing comes.
        known = source.codec_context is not None and source.codec_context.sample_rate
        if known and pictures is not None:
            return SoundCopy(info.name, container, source, pictures, output)
    container.close()
    text = "the sound of %s is empty or of a kind that is not known here: the video gets none"
    _log.warning(text, info.name)
    return None


class SoundCopy:
    """A sound stream of an open file → packets in `output`, at the same media time.

    Made before the output's header is written. Copied packet for packet where the kind of file
    takes the codec, else turned into AAC. Sound that breaks off ends, and what is damaged of it is
    left out; it never costs the pictures.
    """

    def __init__(
        self,
        name: str,
        container: InputContainer,
        source: AudioStream,
        pictures: VideoStream,
        output: OutputContainer,
    ) -> None:
        self._name = name
        self._input = container
        self._output = output
        self._source = source
        self._pictures = pictures
        self._begin_s = Fraction(container.start_time or 0, av.time_base)
        target = _copying(output, source)
        if target is None:  # made here, for a stream has to be there before the header
            codec = source.codec_context
            encoder = AacEncoder(output, codec.sample_rate, codec.channels)
            self._packets = self._encoded(encoder)
        else:
            self._packets = self._shifted(target)
        self._waiting: av.Packet[AudioStream] | None = None
        self._pictured_s = 0.0  # when the last picture is shown of those that were read by now

    def write_until(self, time_s: float) -> None:
        """Write the packets that begin before a media time in seconds."""
        while (packet := self._next()) is not None:
            begin = packet.dts
            if begin is not None and begin * packet.time_base >= time_s:
                self._waiting = packet
                return
            self._output.mux_one(packet)

    def write_rest(self, shown_s: float) -> None:
        """Write what is left, if no picture follows that of `shown_s` seconds; else a little."""
        self.write_until(shown_s + _BEHIND_S)
        behind: list[av.Packet[AudioStream]] = []
        while self._pictured_s < shown_s + _FOLLOWS_S:
            packet = self._next()
            if packet is None:
                for left in behind:
                    self._output.mux_one(left)
                return
            behind.append(packet)

    def _next(self) -> av.Packet[AudioStream] | None:
        packet, self._waiting = self._waiting, None
        return packet or next(self._packets, None)

    def close(self) -> None:
        """Close the file that the sound comes from."""
        self._packets.close()
        self._input.close()

    def _shifted(self, target: AudioStream) -> Generator[av.Packet[AudioStream], None, None]:
        """The source's packets in rising order."""
        unframed = _adts_filter(self._source)
        last: int | None = None
        for packet in self._read():
            if packet.dts is None or packet.pts is None or packet.size == 0:
                continue
            if packet.is_discard and not -_PRIMES_S <= packet.pts * packet.time_base < 0:
                continue  # it would be heard
            if last is not None and packet.dts <= last:
                continue  # the muxer would refuse it, and the run would end for its sake
            last = packet.dts
            for ready in _unframed(unframed, packet):
                ready.stream = target
                yield ready

    def _encoded(self, encoder: AacEncoder) -> Generator[av.Packet[AudioStream], None, None]:
        """The source's sound, decoded and encoded as AAC."""
        for packet in self._read():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                yield from encoder.encode(frame)
        yield from encoder.finish()

    def _read(self) -> Generator[av.Packet[AudioStream], None, None]:
        """Packets whose clock starts where the container does, as that of the pictures."""
        for packet in self._placed():
            shift(packet, -self._begin_s)
            yield packet

    def _placed(self) -> Generator[av.Packet[AudioStream], None, None]:
        """Packets, shifted where the pictures are. They are read too: they tell where that is."""
        picture_times = PictureTimes(self._pictures)
        sound_times = SoundTimes(picture_times)
        try:
            for packet in packets_of(self._input, self._source, self._pictures):
                if packet.stream.index == self._source.index:
                    yield from sound_times.placed(cast("av.Packet[AudioStream]", packet))
                else:
                    for placed in picture_times.placed(cast("av.Packet[VideoStream]", packet)):
                        self._picture(placed)
                    yield from sound_times.known()
        except av.FFmpegError as error:
            _log.warning("the sound of %s breaks off: %s", self._name, error.strerror)
        yield from sound_times.rest()

    def _picture(self, packet: av.Packet[VideoStream]) -> None:
        if packet.pts is not None and not packet.is_discard:
            shown_s = float(packet.pts * packet.time_base - self._begin_s)
            self._pictured_s = max(self._pictured_s, shown_s)


def _adts_filter(source: AudioStream) -> BitStreamFilterContext | None:
    """What takes AAC out of the frames that a transport stream has it in; None of other codecs.

    Of AAC without such frames too: a damaged packet may look like one, which no muxer takes.
    """
    if source.codec_context.name != "aac":
        return None
    try:
        return BitStreamFilterContext("aac_adtstoasc", source)
    except av.FFmpegError:
        return None


def _unframed(
    taking: BitStreamFilterContext | None, packet: av.Packet[AudioStream]
) -> list[av.Packet[AudioStream]]:
    """A packet as files hold it; none if it is damaged."""
    if taking is None:
        return [packet]
    try:
        return taking.filter(packet)
    except av.FFmpegError:
        return []


def _copying(output: OutputContainer, source: AudioStream) -> AudioStream | None:
    """A stream of the output that takes the sound's packets as they are; None if none does."""
    allowed = _COPIED.get(output.format.name)
    if allowed is None or source.codec_context.name in allowed:
        try:
            return output.add_stream_from_template(source)
        except ValueError:
            pass  # the muxer does not take it
    return None
