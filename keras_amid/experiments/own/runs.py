"""Runs that keep what the model says, for the report."""

from __future__ import annotations

from typing import Any

from keras_amid.data.storage.files import read_json, write_json
from keras_amid.experiments import runs
from keras_amid.experiments.measuring import figures_of
from keras_amid.experiments.own.predictions import Predictions, predict
from keras_amid.experiments.own.task import OwnTask


class OwnRuns(runs.Runs):
    """The runs of a case; see `Runs`. Beside `result.json` lies `predictions.npz`."""

    task: OwnTask

    def figures(self, row: str) -> dict[str, Any]:
        """The test figures of a row, in percent."""
        path = self.folder(row) / "result.json"
        result = read_json(path)
        if result is None:
            found = predict(self.trained(row), self.experiment)
            found.save(self.folder(row) / "predictions.npz")
            result = figures_of(found.test, self.experiment.num_classes, found.train)
            result = runs.taught(self.task.config.row(row), result)
            write_json(path, result)
        return result

    def predictions(self, row: str) -> Predictions:
        """What the model of a finished row says."""
        return Predictions.load(self.folder(row) / "predictions.npz")
