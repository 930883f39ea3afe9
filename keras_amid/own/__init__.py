"""Data of one's own, without Keras: the settings of `keras-amid train`, and how what a student
takes is made from files."""
