"""AMID, the paper whole: the model (Eq. 15 to 17), its schedule and state (Eq. 14), D1 and D2.

Beside it what is ours: `DirectAMID`, and the departures of departures.py.
"""

from keras_amid.amid.amid import AMID
from keras_amid.amid.direct import DirectAMID
from keras_amid.amid.optimizer import amid_optimizer
from keras_amid.amid.schedule import AMIDSchedule

__all__ = ["AMID", "AMIDSchedule", "DirectAMID", "amid_optimizer"]
