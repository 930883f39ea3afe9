"""What every data set is: a frozen dataclass that reads its layout and decodes its samples."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from keras_amid.data.datasets.finding import located
from keras_amid.data.datasets.listing import Listing
from keras_amid.data.datasets.prepared import PreparedData


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A data set; its fields are its options.

    A new one is a frozen dataclass in a file of its own, derived from this, with fields of
    `keras_amid.data.datasets.options`, `read` and `decode`, and a line in `DATA_SETS`. The
    command `python -m keras_amid.data.prepare` has its options from the fields.

    Attributes:
        name: Of the data set.
        modalities: Of its samples.
        paper_counts: Dict split or "total" -> number of samples in the paper.
        paper_note: What has to be known to compare with them.
        shard_size: Samples a shard, by default.
        picture_encoding: How frames are kept, see `write_records`.
        generated: Whether it writes its own files, instead of being found somewhere.
        several_roots: Whether it may lie in several folders.
        grows: Whether what is added to it, or mended, is taken up by the next call.
        summary: What was found, for the eye; printed before the work.
    """

    name: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]]
    paper_counts: ClassVar[dict[str, int]] = {}
    paper_note: ClassVar[str] = ""
    shard_size: ClassVar[int] = 64
    picture_encoding: ClassVar[str] = "jpeg"
    generated: ClassVar[bool] = False
    several_roots: ClassVar[bool] = False
    grows: ClassVar[bool] = True
    summary: ClassVar[str] = ""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = field.metadata["check"](field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)

    def settled(self, root: Any, out: Path) -> DataSet:
        """Returns the data set as `root` has it, and as earlier calls have settled it in `out`.

        A data set whose classes, splits and modalities are known beforehand is settled as it is.
        """
        return self

    def read(self, root: Any) -> Listing:
        """Finds the samples and their files.

        Args:
            root: Folder of the distribution (or several folders, see `several_roots`).

        Raises:
            ValueError: The layout is not there: what was looked for, and what was found.
        """
        raise NotImplementedError

    def opened(self, root: Any) -> contextlib.AbstractContextManager:
        """Opens what `decode` reads from: by default the `root` of the listing itself."""
        return contextlib.nullcontext(root)

    def decode(self, row: dict, source: Any) -> dict:
        """Decodes a sample; called in several threads.

        Args:
            row: A row of the listing.
            source: What `opened` opened.

        Returns:
            Dict modality -> value, and optionally `notes`, for `write_records`.

        Raises:
            MediaError: The sample's file cannot be used; it is left out.
        """
        raise NotImplementedError

    def files_of(self, row: dict, root: Any) -> list[Path]:
        """Returns the files that a row is read from: where they are others, it is read again."""
        names = [row[key] for key in ("file", "sound") if key in row] + row.get("others", [])
        return [path for name in names for path in located(root, name)]

    def open_prepared(self, out: Path) -> PreparedData:
        """Opens what `prepare` wrote to `out`."""
        return PreparedData.open(out)

    def settings(self) -> dict:
        """Returns the options as JSON values; `out` made with others is refused."""
        fields = [field for field in dataclasses.fields(self) if field.metadata["setting"]]
        return {field.name: getattr(self, field.name) for field in fields}

    def decoding(self) -> dict:
        """Returns the settings that `decode` depends on, for the records: by default all."""
        return self.settings()

    def encodings(self) -> dict[str, str]:
        """Returns how modalities of other names are kept; see `write_records`."""
        return {}

    def files(self) -> dict[str, str]:
        """Returns the text files that stand beside `dataset.json`: name -> text."""
        return {}

    def may_lack(self) -> tuple[str, ...]:
        """Returns the modalities that a sample may lack, for which `decode` then gives None.

        `x["present"]` says of them who has them, in the batches of every split.
        """
        return ()

    def write_files(self, out: Path, *, workers: int | None, progress: bool) -> Path:
        """Writes the files of a generated data set, and returns the folder for `read`."""
        raise ValueError(f"`root` must be the folder of {self.name}; received None.")


def functions_of(data_set: type[DataSet]) -> tuple[Callable, Callable]:
    """Returns `read(root, **options)` and `prepare(root, out, *, ..., **options)` of a data set."""

    def read(root, *arguments, **options):
        return data_set(*arguments, **options).read(root)

    def prepare(root, out, *, shard_size=None, part=(0, 1), workers=None, progress=True, **options):
        from keras_amid.data.datasets.preparing import prepare as prepare_any

        shared = {"shard_size": shard_size, "part": part, "workers": workers, "progress": progress}
        return prepare_any(data_set(**options), root, out, **shared)

    function: Any
    for function, does in ((read, "Returns the `Listing` of"), (prepare, "Writes the records of")):
        parameters = inspect.signature(function).parameters.values()
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        fields = dataclasses.fields(data_set)
        own = [inspect.Parameter(f.name, _KEYWORD, default=f.default) for f in fields]
        function.__signature__ = inspect.Signature([*named, *own])
        function.__module__ = data_set.__module__
        function.__doc__ = "\n".join(
            [f"{does} {data_set.name}; see `keras_amid.data.datasets.prepare`.", "", "Args:"]
            + [f"    {f.name}: {f.metadata['help']}." for f in fields]
        )
    return read, prepare


_KEYWORD = inspect.Parameter.KEYWORD_ONLY
