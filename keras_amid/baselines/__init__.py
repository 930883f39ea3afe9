"""The methods AMID is compared with, one a file."""

from keras_amid.baselines.ccl import CCL
from keras_amid.baselines.crcd import CRCD
from keras_amid.baselines.crcd_schedule import CRCDSchedule
from keras_amid.baselines.crd import CRD
from keras_amid.baselines.gmc import GMC
from keras_amid.baselines.student_contrast import StudentContrast
from keras_amid.baselines.student_only import StudentOnly
from keras_amid.baselines.teacher_only import TeacherOnly

__all__ = [
    "CCL",
    "CRCD",
    "CRCDSchedule",
    "CRD",
    "GMC",
    "StudentContrast",
    "StudentOnly",
    "TeacherOnly",
]
