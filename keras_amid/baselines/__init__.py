"""The methods AMID is compared with, one a file."""

from keras_amid.baselines.student_only import StudentOnly

__all__ = ["StudentOnly"]
