"""The convolutions of the networks here, as tests go through them."""

FACTORED = [  # (kernel size, strides) of a three-dimensional one, by frames, rows and columns
    ((1, 3, 3), (1, 1, 1)),
    ((1, 3, 3), (1, 2, 2)),
    ((1, 7, 7), (1, 2, 2)),
    ((3, 1, 1), (1, 1, 1)),
    ((3, 1, 1), (2, 1, 1)),
    ((1, 1, 1), (2, 2, 2)),
]
