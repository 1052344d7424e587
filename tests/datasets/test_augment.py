"""Augmentations move pixels as they say, by named numbers, the same on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from named_numbers import normal

from xpnet.backend import array_namespace, to_numpy
from xpnet.datasets.augment import crop, cutmix, flip, mixup, rotate
from xpnet.errors import ArgumentError, ShapeError
from xpnet.layers import Affine, Flatten, SoftmaxWithLoss
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator
from xpnet.training import Trainer

X = normal("images", 6, 2, 5, 4)
T = np.asarray([0, 1, 2, 0, 1, 2])


def fixed(*values: float):
    """Uniform numbers that are these, over and over."""
    return lambda name, shape: np.resize(np.asarray(values), shape)


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return Generator(3).uniform(shape, name)


def test_flip_turns_those_below_a_half(asarray) -> None:
    x, t = flip()(asarray(X), asarray(T), fixed(0.2, 0.7))
    expected = X.copy()
    expected[::2] = X[::2, :, :, ::-1]
    np.testing.assert_array_equal(to_numpy(x), to_numpy(asarray(expected)))
    np.testing.assert_array_equal(to_numpy(t), T)


@pytest.mark.parametrize(("u", "move"), [((0.0, 0.5), (-2, 0)), ((0.99, 0.3), (2, -1)), ((0.5, 0.5), (0, 0))])
def test_crop_moves(u: tuple[float, float], move: tuple[int, int], asarray) -> None:
    x, _ = crop(2)(asarray(X), asarray(T), fixed(*u))
    padded = np.pad(X, ((0, 0), (0, 0), (2, 2), (2, 2)))
    expected = padded[:, :, 2 + move[0] : 7 + move[0], 2 + move[1] : 6 + move[1]]
    np.testing.assert_array_equal(to_numpy(x), to_numpy(asarray(expected)))


def test_rotate_turns_about_the_middle(asarray, tolerance) -> None:
    square = normal("square", 3, 1, 5, 5)
    for u, turns in ((1.0, 1), (0.0, -1)):
        x, _ = rotate(90)(asarray(square), asarray(T[:3]), fixed(u))
        found = [np.allclose(to_numpy(x), np.rot90(square, k, axes=(2, 3)), atol=1e-4) for k in (turns, -turns)]
        assert sum(found) == 1
    x, _ = rotate(10)(asarray(np.ones((2, 1, 9, 9))), asarray(T[:2]), drawn)
    inner = to_numpy(x)[:, :, 2:-2, 2:-2]
    np.testing.assert_allclose(inner, 1.0, atol=10 * tolerance)
    x, _ = rotate(10)(asarray(X), asarray(T), fixed(0.5))
    np.testing.assert_allclose(to_numpy(x), X, atol=10 * tolerance)


@pytest.mark.parametrize("make", [mixup, cutmix])
def test_labels_are_mixed_as_pixels_are(make, asarray, tolerance) -> None:
    ones = np.zeros((3, 3, 6, 6))
    for k in range(3):
        ones[k, k] = 1.0  # the channel says the class
    x, t = make(3)(asarray(ones), asarray(np.arange(3)), drawn)
    np.testing.assert_allclose(to_numpy(x).mean(axis=(2, 3)), to_numpy(t), atol=10 * tolerance)
    np.testing.assert_allclose(to_numpy(t).sum(axis=1), 1.0, atol=10 * tolerance)
    assert to_numpy(t)[np.arange(3), np.arange(3)].min() >= 0.5 - 1e-6
    again, _ = make(3)(asarray(ones), t, drawn)  # shares are mixed on
    assert again.shape == x.shape


@pytest.mark.parametrize("make", [flip, crop, rotate, lambda: mixup(3), lambda: cutmix(3)])
def test_they_are_the_same_on_every_backend(make, asarray, backend, tolerance) -> None:
    x, t = make()(asarray(X), asarray(T), drawn)
    expected, labels = make()(X, T, drawn)
    assert array_namespace(x) is array_namespace(asarray(X))
    assert x.dtype == backend.dtype
    np.testing.assert_allclose(to_numpy(x), expected, atol=10 * tolerance)
    np.testing.assert_allclose(to_numpy(t), labels, atol=10 * tolerance)


def test_a_training_names_its_numbers_by_the_step(asarray, tmp_path) -> None:
    seen: list[list[np.ndarray]] = [[], []]

    def spy(place: int):
        def kept(x, t, draw):
            seen[place].append(to_numpy(x).copy())
            return x, t

        return kept

    def trainer(place: int) -> Trainer:
        net = Sequential(Flatten(), Affine.create(40, 3, rng=Generator(0)), loss=SoftmaxWithLoss())
        data = asarray(X), asarray(T)
        return Trainer(net, SGD(0.1), data, batch_size=3, augment=[flip(), crop(1), spy(place)], rng=Generator(1))

    trainer(0).fit(3)
    trainer(1).fit(1, folder=tmp_path)
    trainer(1).fit(3, folder=tmp_path, resume=True)
    assert len(seen[0]) == len(seen[1]) == 6
    for one, other in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(seen[0][0], seen[0][2])


def test_bad_options_and_data_are_refused(asarray) -> None:
    for make, text in (
        (lambda: crop(0), "pad must be a positive integer, got 0"),
        (lambda: rotate(0.0), "degrees must be above 0 and at most 180, got 0.0"),
        (lambda: mixup(0), "classes must be a positive integer"),
    ):
        with pytest.raises(ArgumentError, match=text):
            make()
    for make in (flip, crop, rotate, lambda: cutmix(3)):
        with pytest.raises(ShapeError, match=r"x must be images \(N, C, H, W\), got \(6, 40\); leave it out"):
            make()(asarray(X.reshape(6, 40)), asarray(T), drawn)
