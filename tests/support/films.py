"""Films whose streams begin and end when a test says so, muxed packet by packet with PyAV."""

import fractions

import av
import numpy as np

RATE = 16000
CODECS = {  # container -> encoders of picture and sound
    "mkv": ("ffv1", "pcm_s16le"),
    "webm": ("libvpx-vp9", "libopus"),
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "pcm_s16le"),
    "ts": ("libx264", "mp2"),
    "avi": ("mpeg4", "pcm_s16le"),
    "flv": ("libx264", "aac"),
}
_OPTIONS = {
    "libx264": {"bf": "0", "g": "10", "crf": "1"},
    "libvpx-vp9": {"crf": "0", "b": "8M", "cpu-used": "8", "lag-in-frames": "0"},
    "mpeg4": {"g": "10", "qmin": "1", "qmax": "1"},
}


def write_film(
    path,
    pictures=None,
    sound=None,
    *,
    fps=25,
    starts=(0.0, 0.0),
    last=None,
    times=None,
    codecs=None,
    muxer=None,
    rate=48000,
):
    """Writes a film.

    Args:
        path: File; its suffix chooses the container and the encoders.
        pictures: uint8 (frames, height, width, 3), or a list of several of different sizes, or
            None for no picture.
        sound: Samples in [-1, 1] of `rate` a second, or None.
        fps: Frames a second.
        starts: Seconds at which picture and sound begin.
        last: Seconds for which the last picture is shown; None for 1 / fps.
        times: Seconds of each picture after the first; None for k / fps.
        codecs: (encoder of the picture, of the sound).
        muxer: Dict of options of the container.
        rate: Samples a second.
    """
    video, audio = codecs or CODECS[path.suffix[1:]]
    packets = []
    with av.open(str(path), "w", options={"fflags": "+bitexact", **(muxer or {})}) as container:
        if pictures is not None:
            stream = add_picture(container, video, pictures.shape[1:3], fps)
            shown = np.arange(len(pictures)) / fps if times is None else times
            packets += _picture(stream, pictures, starts[0] + np.asarray(shown), fps, last)
        if sound is not None:
            stream = container.add_stream(audio, rate=rate, layout="mono")
            packets += _sound(stream, sound, starts[1], rate)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def add_picture(container, codec, size, fps):
    """Adds a stream for pictures of `size` (height, width)."""
    stream = container.add_stream(codec, rate=fps, options=_OPTIONS.get(codec, {}))
    stream.height, stream.width = size
    stream.pix_fmt = {"ffv1": "bgr0", "mjpeg": "yuvj420p", "png": "rgb24"}.get(codec, "yuv420p")
    stream.codec_context.thread_count = 1
    return stream


def encode_pictures(stream, pictures, times, fps):
    """Yields the packets of pictures shown at `times` (seconds)."""
    base = fractions.Fraction(1, fps)
    for picture, time in zip(pictures, times, strict=True):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts, frame.time_base = round(time * fps), base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _picture(stream, pictures, times, fps, last):
    packets = list(encode_pictures(stream, pictures, times, fps))
    for packet in packets:
        packet.duration = round(fractions.Fraction(1, fps) / packet.time_base)
    if last is not None:
        packets[-1].duration = round(last / packets[-1].time_base)
    return packets


def _sound(stream, sound, start, rate):
    pcm = np.clip(np.round(np.asarray(sound) * 32768), -32768, 32767).astype(np.int16)
    packets = []
    for first in range(0, len(pcm), 1024):
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, first : first + 1024], "s16", "mono")
        frame.sample_rate, frame.time_base = rate, fractions.Fraction(1, rate)
        frame.pts = round(start * rate) + first
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def numbered(count, size=(32, 48), step=2):
    """Pictures whose gray level is their number times `step`."""
    levels = (np.arange(count) * step % 256).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, *size, 3))


def numbers(frames, step=2):
    """The numbers of such pictures."""
    return np.round(frames.mean((1, 2, 3)) / step).astype(int).tolist()


def steps(seconds, rate=48000, tones=(400, 700, 1000, 1300, 1600, 1900, 2200, 2500)):
    """Sound of which each second has a tone of its own."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * np.asarray(tones)[time.astype(int)] * time)


def pitch(sound, rate=RATE):
    """The loudest frequency of a sound, in Hz."""
    return np.argmax(np.abs(np.fft.rfft(sound))) * rate / len(sound)
