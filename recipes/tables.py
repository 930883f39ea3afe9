"""Every row of the paper's tables, from one command: Tables 1 to 6, Figures 3 to 5.

    KERAS_BACKEND=jax python recipes/tables.py --out build/tables
    python recipes/tables.py --recipe recipes/ucf51.py --seeds 3 --trials 0    # after ucf51.py
    KERAS_BACKEND=jax python recipes/tables.py --tables 7    # controls, and what is ours

By default on the ripple tank: 15 rows and the sweeps of Table 6 in 8 worlds, 611 jobs, 28 minutes
on two cores (recipes/results/ripple_tank.md). Each row's learning rate and weight decay (and, of
the compared methods, the weight of their own loss) are tuned with the same number of trials, on the
validation clips of other worlds, which have no test clips. JAX is the fastest backend for networks
as small as these.

Every run is one JSON file, found again by its settings: a finished run is not run twice, and a
command that was killed goes on when called again. A job that fails is named, the others go on,
and the exit code is 1. Results are written in any case: <data>.md, .csv, and figures.
"""

import sys
from pathlib import Path

from keras_amid.experiments.tables import main

if __name__ == "__main__":
    recipe = Path(__file__).with_name("ripple_tank.py")
    sys.exit(main(program="python recipes/tables.py", doc=__doc__, recipe=recipe))
