"""Complete records of one or several folders, read at any position."""

import hashlib
import json
from pathlib import Path

import numpy as np

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.records.examples import (
    FRAMES_AN_EXAMPLE,
    VIDEO_ENCODINGS,
    encoded_zeros,
    fields_parser,
    parse_frames,
)
from keras_amid.data.records.index import check_digests, check_lengths, open_index

_REMEDY = (
    "Make the call that wrote the records again: it finds what is broken, and reads that again."
)


class RecordSet:
    """The samples of some folders of records, one folder after the other.

    Reading by position lets a shuffled epoch leave the records on the disk: what is permuted are
    the positions.

    Attributes:
        folders: List of `Path`.
        indexes: List of their indexes.
        samples: List of the entries `samples` of the indexes; its order is that of the positions.

    Args:
        folders: A folder that `write_records` or `cache_features` wrote, or a list of them.
        argument: The name of the argument they came from, for messages.

    Raises:
        ValueError: Records that are missing, incomplete or empty.
    """

    def __init__(self, folders, argument="folders"):
        folders = [folders] if isinstance(folders, (str, Path)) else list(folders)
        if not folders:
            raise ValueError(f"`{argument}` must name a folder of records; received none.")
        self.folders = [Path(folder) for folder in folders]
        self.indexes = [open_index(folder, argument) for folder in self.folders]
        self._argument = argument
        for folder, index in zip(self.folders, self.indexes, strict=True):
            if not index["count"]:
                raise ValueError(
                    f"`{argument}` must name folders of records with samples; received {folder}, "
                    "whose records hold no samples."
                )
        shards = [shard for index in self.indexes for shard in index["shards"]]
        self.samples = [sample for shard in shards for sample in shard["samples"]]

    def __len__(self):
        return len(self.samples)

    def fingerprints(self):
        """One text a folder, which says what its records hold."""
        return [
            hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()[:16]
            for index in self.indexes
        ]

    def formats(self, names, argument="modalities", otherwise=None):
        """Dict modality -> {"encoding", "shape"} over all folders; None where sizes differ.

        Where a sample lacks it, "stand_in" is a shape for the zeros in its place: the usual one,
        or where sizes differ the length of the shortest sample.

        Args:
            names: Of the modalities.
            argument: What they were given as, for messages.
            otherwise: Dict modality -> its format, of those that all samples of a folder may lack.

        Raises:
            ValueError: A modality that a folder lacks, or that folders keep in different ways.
        """
        merged, otherwise = {}, otherwise or {}
        for folder, index in zip(self.folders, self.indexes, strict=True):
            known = index["modalities"]
            if set(names) - set(known) - set(otherwise):
                raise ValueError(
                    f"`{argument}` must be among {sorted(known)}, the modalities of the records in "
                    f"{folder}; received {list(names)}."
                )
            for name in set(names) & set(known):
                form = merged.setdefault(name, known[name])
                same = form["encoding"] == known[name]["encoding"]
                if not same or len(form["shape"]) != len(known[name]["shape"]):
                    raise ValueError(
                        f"`{self._argument}` must hold samples of one shape and encoding; received "
                        f"{name} as {known[name]} in {folder}, after {form}."
                    )
                pairs = zip(form["shape"], known[name]["shape"], strict=True)
                merged[name] = {
                    "encoding": form["encoding"],
                    "shape": [a if a == b else None for a, b in pairs],
                }
        merged = {name: merged.get(name) or _form_of(otherwise[name]) for name in names}
        for name, form in merged.items():
            if not self.there(name).all():
                lengths = [s["lengths"][name] for s in self.samples if name in s["lengths"]]
                form["stand_in"] = [size or 1 for size in form["shape"]]
                form["stand_in"][:1] = [min(lengths)] if lengths else form["stand_in"][:1]
        return merged

    def there(self, name):
        """Which samples do not lack a modality: bool array (samples,)."""
        return np.array([name not in sample.get("missing", ()) for sample in self.samples])

    def may_lack(self, name):
        """Whether a sample lacks a modality, or might have, as `write_records` was told."""
        known = [index["modalities"].get(name) for index in self.indexes]
        return any(form is None or form.get("may_lack", False) for form in known)

    def check_files(self, every=False):
        """Raises `ValueError` unless the files are there, as long as the index says, and those
        that may have changed since (with `every`, all) have the digests that it says."""
        for folder, index in zip(self.folders, self.indexes, strict=True):
            check_lengths(folder, index, self._argument)
            check_digests(folder, index, self._argument, every)

    def reader(self, formats, order=None):
        """Returns the TensorFlow function that reads a sample, without decoding it.

        Args:
            formats: As `formats` gives it, of the modalities to read.
            order: Array of integers: the function reads the sample `order[position]`.

        Returns:
            Function: position () int64 -> (dict modality -> (encoded, shape), label), as
            `fields_parser` gives them.
        """
        files, shards, offsets, firsts = self._places()
        order = np.arange(len(self)) if order is None else np.asarray(order)
        shards, offsets, ids = shards[order], offsets[firsts[order]], self._ids()[order]
        parse = fields_parser(formats)

        def read(position):
            tf = tensorflow()
            file = tf.constant(files)[tf.constant(shards)[position]]
            found, fields, label = parse(_read(file, tf.constant(offsets)[position], 1)[0])
            _check_id(file, tf.constant(ids)[position], found)
            return fields, label

        return read

    def frame_reader(self, name, form, order=None):
        """Returns the TensorFlow function that reads some encoded frames of a video.

        Args:
            name: The modality.
            form: Its format, as `formats` gives it. Where a sample lacks it, the frames are black.
            order: As of `reader`.

        Returns:
            Function: position, first frame, last frame, each () int64 -> string (frames,).
        """
        files, shards, offsets, firsts = self._places()
        order = np.arange(len(self)) if order is None else np.asarray(order)
        firsts = firsts + self._chunks_before(name)
        shards, firsts, ids = shards[order], firsts[order], self._ids()[order]

        def read(position, first, last):
            tf = tensorflow()
            file = tf.constant(files)[tf.constant(shards)[position]]
            chunk, end = first // FRAMES_AN_EXAMPLE, last // FRAMES_AN_EXAMPLE
            offset = tf.constant(offsets)[tf.constant(firsts)[position] + 1 + chunk]
            found, frames = parse_frames(_read(file, offset, end - chunk + 1), name)
            _check_id(file, tf.constant(ids)[position], found)
            first, last = first - chunk * FRAMES_AN_EXAMPLE, last - chunk * FRAMES_AN_EXAMPLE
            return frames[first : last + 1]

        if "stand_in" not in form:
            return read
        there, black = self.there(name)[order], encoded_zeros(form)

        def read_or_black(position, first, last):
            tf = tensorflow()
            return tf.cond(
                tf.constant(there)[position],
                lambda: read(position, first, last),
                lambda: tf.fill([last - first + 1], black),
            )

        return read_or_black

    def _chunks_before(self, name):
        """For each sample, the examples with frames of the videos that stand before one of it.

        Videos follow each other in the order of the sample's `lengths`.
        """
        found = []
        for index in self.indexes:
            known = index["modalities"].items()
            videos = {video for video, form in known if form["encoding"] in VIDEO_ENCODINGS}
            for sample in (sample for shard in index["shards"] for sample in shard["samples"]):
                names = list(sample["lengths"])
                before = names[: names.index(name)] if name in names else []
                lengths = [sample["lengths"][other] for other in before if other in videos]
                found.append(sum(-(-length // FRAMES_AN_EXAMPLE) for length in lengths))
        return np.array(found, "int64")

    def _ids(self):
        return np.array([sample["id"].encode() for sample in self.samples], object)

    def _places(self):
        """The files; the file of each sample; the offset of each example; each sample's first."""
        files, shards, offsets, firsts = [], [], [], []
        for folder, index in zip(self.folders, self.indexes, strict=True):
            for shard in index["shards"]:
                offset = 0
                for sample in shard["samples"]:
                    shards.append(len(files))
                    firsts.append(len(offsets))
                    for size in sample["sizes"]:
                        offsets.append(offset)
                        offset += size
                files.append(str(folder / shard["file"]))
        return files, np.array(shards), np.array(offsets, "int64"), np.array(firsts)


def _form_of(entry):
    return {"encoding": entry["encoding"], "shape": list(entry["shape"])}


def _read(file, offset, count):
    """Reads consecutive examples: serialized, string tensor (count,)."""
    tf = tensorflow()
    # The operation below `tf.data.TFRecordDataset`, which starts at a file's first record.
    records = tf.raw_ops.TFRecordDatasetV2(
        filenames=[file],
        compression_type="",
        buffer_size=tf.constant(0, tf.int64),
        byte_offsets=[offset],
    )
    dataset = tf.data.experimental.from_variant(records, tf.TensorSpec((), tf.string))
    return dataset.take(count).batch(count).get_single_element()


def _check_id(file, expected, found):
    """An index that belongs to other shards would give samples the labels of others."""
    tf = tensorflow()
    tf.debugging.Assert(
        tf.reduce_all(found == expected),
        [
            "The index of the records must belong to their files; expected",
            expected,
            "at a place where it received",
            found,
            "in",
            file,
            _REMEDY,
        ],
    )
