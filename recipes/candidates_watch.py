"""The candidates of candidates.py on the watch.

KERAS_BACKEND=jax python recipes/tables.py --recipe recipes/candidates_watch.py
"""

from pathlib import Path

from keras_amid.experiments import Recipe, main

watch = Recipe.load(Path(__file__).with_name("watch.py"))
candidates = Recipe.load(Path(__file__).with_name("candidates.py"))
OWN = {entry: candidates.config[entry] for entry in ("rows", "own_rows")}
OWN |= {"name": "candidates_watch", "title": "Candidates on the watch"}
CONFIG = {**watch.config, **OWN}
SMOKE = {**watch.smoke, **OWN}

if __name__ == "__main__":
    main(CONFIG, SMOKE, __doc__)
