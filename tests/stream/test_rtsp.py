"""A network camera by RTSP whose server is gone after a second."""

from __future__ import annotations

import io
import socket
import struct
import threading
import time
from collections.abc import Iterator

import av
import pytest
from clips import flat, index_of

from stream.frame import SourceError
from stream.returning import Returning
from stream.sources import video

PER_S = 12
SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=camera
c=IN IP4 0.0.0.0
t=0 0
m=video 0 RTP/AVP 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1
a=control:pictures
""".replace("\n", "\r\n")


class Kept(io.RawIOBase):
    """What is written to it, write by write."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.written.append(bytes(data))
        return len(data)


def rtp_packets(count: int) -> list[bytes]:
    """Flat pictures → their RTP packets, those that report (RTCP) left out."""
    kept = Kept()
    with av.open(kept, "w", format="rtp") as container:
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": "1"}
        stream = container.add_stream("libx264", rate=PER_S, options=options)
        stream.height, stream.width = flat(0).shape[:2]
        stream.pix_fmt = "yuv420p"
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(flat(index), format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
    return [packet for packet in kept.written if packet[1] & 127 == 96]


@pytest.fixture
def camera() -> Iterator[str]:
    """The address of a server that lets go of each who looks after a second, RTP within TCP."""
    packets, stopped = rtp_packets(PER_S), threading.Event()

    def answer(client: socket.socket) -> None:
        with client, client.makefile("rb") as asked:
            words = b""
            while not words.startswith(b"PLAY"):
                lines = list(iter(lambda: asked.readline().strip(), b""))
                if not lines:
                    return
                words = lines[0]
                number = next(line for line in lines if line.lower().startswith(b"cseq:"))
                head, body = f"RTSP/1.0 200 OK\r\n{number.decode()}\r\nSession: 1\r\n", ""
                if words.startswith(b"DESCRIBE"):
                    body = SDP
                    head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
                if words.startswith(b"SETUP"):
                    head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
                client.sendall(f"{head}\r\n{body}".encode())
            for packet in packets:
                client.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                time.sleep(1 / PER_S)

    def serve() -> None:
        while not stopped.is_set():
            client, _ = listening.accept()
            answer(client)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"rtsp://127.0.0.1:{listening.getsockname()[1]}/camera"
        stopped.set()
        socket.create_connection(listening.getsockname()).close()
        thread.join()


def test_a_server_that_lets_go_is_no_end_in_good_order(camera):
    source = video.open_source(camera)
    assert source.info.live
    frames = []
    with pytest.raises(SourceError, match=r"/camera broke off: its server let go"):
        frames.extend(source)
    source = video.open_source(camera)
    frames = iter(source)
    assert index_of(next(frames).image) == 0
    source.close()  # which is no error
    assert len(list(frames)) <= 1


def test_it_comes_back(camera):
    source = Returning(video.open_source(camera), lambda: video.open_source(camera), wait_s=10)
    frames = []
    for frame in source:
        frames.append(frame)
        if len(frames) == PER_S + 3:
            source.close()
            break
    assert [frame.index for frame in frames] == list(range(PER_S + 3))
    times_s = [frame.time_s for frame in frames]
    assert times_s == sorted(times_s)
    assert times_s[PER_S] - times_s[PER_S - 1] > 0.4  # it was away
