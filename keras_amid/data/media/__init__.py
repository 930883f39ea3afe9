"""Media files: probing, reading, cutting and writing them (FFmpeg through PyAV)."""

from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import Limits, limit
from keras_amid.data.media.probing import MediaInfo, find_streams, probe
from keras_amid.data.media.reading import Clip, read_clip, read_sound
from keras_amid.data.media.segments import Segments, read_segments
from keras_amid.data.media.stills import read_picture
from keras_amid.data.media.writing import write_clip, write_sound

__all__ = [
    "Clip",
    "Limits",
    "MediaError",
    "MediaInfo",
    "Segments",
    "find_streams",
    "limit",
    "probe",
    "read_clip",
    "read_picture",
    "read_segments",
    "read_sound",
    "write_clip",
    "write_sound",
]
