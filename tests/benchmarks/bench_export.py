"""The ripple tank's student in every format: size, test accuracy, time of a batch of 1 and of 16.

    python tests/benchmarks/bench_export.py [--out build/formats]

Trains the recipe's AMID in one world first (about 90 s on two cores; a second call goes on with
what is there), as `recipes/ripple_tank.py --rows AMID` does. Batches of 1 and 16 take the median of
at least 10 calls and 1 s. int8 has its ranges from 256 training clips. For a run of one's own:
`keras-amid formats`. Nothing passes or fails here.
"""

import argparse
import functools
from pathlib import Path

from keras_amid.experiments import formats
from keras_amid.experiments.recipe import Recipe
from keras_amid.experiments.runs import Runs

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "ripple_tank.py"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("build") / "formats")
    out = parser.parse_args().out
    recipe = Recipe.load(RECIPE)
    task = recipe.task(recipe.make_config(False, {"rows": ("AMID",)}), out)
    runs = Runs(task, task.cases()[0])
    model, experiment, names = runs.trained("AMID"), runs.experiment, ("video",)
    samples = formats.drawn(experiment.batches("train", names), names)
    windows = functools.partial(formats.labelled_windows, experiment, names)
    folder = out / "formats"
    print(formats.compare_formats(model.student, experiment.class_names, samples, windows, folder))


if __name__ == "__main__":
    main()
