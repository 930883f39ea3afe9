"""Plain features of windows of a sensor's signals."""

from __future__ import annotations

import numpy as np

#: Bands of frequency whose energies are features, Hz.
_BANDS = ((0.25, 1.0), (1.0, 3.0), (3.0, 10.0))


def window_features(windows: np.ndarray, rate: float) -> np.ndarray:
    """15 features of each axis: of the distribution of its values, their changes, their spectrum.

    Args:
        windows: float array (windows, times, axes).
        rate: Hz.

    Returns:
        float64 array (windows, 15 * axes).
    """
    mean, deviation = windows.mean(axis=1), windows.std(axis=1)
    centred = windows - mean[:, None]
    scaled = centred / np.where(deviation > 0, deviation, 1)[:, None]  # 0 for what stands still
    quartiles = np.percentile(windows, (25, 50, 75), axis=1)
    crossings = np.diff(np.signbit(centred).astype(int), axis=1)
    frequencies = np.fft.rfftfreq(windows.shape[1], 1 / rate)
    power = np.abs(np.fft.rfft(centred, axis=1)) ** 2
    features = [
        mean,
        deviation,
        windows.min(axis=1),
        windows.max(axis=1),
        *quartiles,
        (scaled**3).mean(axis=1),  # skewness
        (scaled**4).mean(axis=1) - 3,  # kurtosis
        np.abs(np.diff(windows, axis=1)).mean(axis=1),
        np.abs(crossings).mean(axis=1),
        frequencies[power.argmax(axis=1)],
    ]
    for low, high in _BANDS:
        energy = power[:, (frequencies >= low) & (frequencies < high)].mean(axis=1)
        features.append(np.log(energy + 1e-6))
    return np.concatenate(features, axis=1)
