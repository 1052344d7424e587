"""Folders of images by class, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from xpnet.backend import to_numpy
from xpnet.datasets import Encoding, load_images
from xpnet.errors import ArgumentError, DataError

Image = pytest.importorskip("PIL.Image")

COLOURS = {"red": (200, 10, 10), "green": (10, 200, 10)}


def photos(folder: Path, per_class: int = 5, size: tuple[int, int] = (20, 12), mode: str = "RGB") -> Path:
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            Image.new("RGB", size, colour).convert(mode).save(folder / name / f"{i}.{'jpg' if i % 2 else 'png'}")
    return folder


def test_a_folder_for_each_class(tmp_path: Path, backend) -> None:
    (photos(tmp_path) / "red" / "notes.txt").write_text("no image")
    (tmp_path / ".cache").mkdir()
    data = load_images(tmp_path, size=(8, 6), validation=0.4)
    assert data.classes == ["green", "red"]
    x, t = data.train
    assert (x.shape, x.dtype) == ((6, 3, 8, 6), backend.dtype)
    assert (data.inputs, data.outputs) == (144, 2)
    assert sorted(to_numpy(data.validation[1]).tolist()) == [0, 0, 1, 1]
    red = to_numpy(x)[to_numpy(t) == 1]
    assert (red[:, 0] > 0.9).all()
    assert (red[:, 1] < -0.9).all()
    np.testing.assert_allclose(to_numpy(x).mean(axis=(0, 2, 3)), 0.0, atol=1e-5)


def test_parts_of_their_own_are_kept_apart(tmp_path: Path) -> None:
    photos(tmp_path / "train", 3)
    photos(tmp_path / "val", 2)
    data = load_images(tmp_path, size=4)
    assert (data.train[0].shape[0], data.validation[0].shape[0]) == (6, 4)


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    assert load_images(photos(tmp_path / "a", mode="L"), size=4).train[0].shape[1] == 1
    assert load_images(photos(tmp_path / "b"), size=4, grey=True).train[0].shape[1] == 1


def test_an_image_is_cut_to_the_middle(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pixels = np.zeros((10, 30), dtype=np.uint8)
        pixels[:, 10:20] = 255
        Image.fromarray(pixels).save(tmp_path / name / "1.png")
        Image.fromarray(255 - pixels).save(tmp_path / name / "2.png")
    x = to_numpy(load_images(tmp_path, size=5, validation=None).train[0])
    means = sorted(x.reshape(4, -1).mean(axis=1).tolist())
    assert means == pytest.approx([-1.0, -1.0, 1.0, 1.0], abs=0.01)


def test_images_come_back_from_json(tmp_path: Path) -> None:
    data = load_images(photos(tmp_path), size=4)
    again = Encoding.of(json.loads(json.dumps(data.encoding.describe())))
    files = [tmp_path / "red" / "1.jpg", tmp_path / "green" / "0.png"]
    np.testing.assert_array_equal(again.x(files), data.encoding.x(files))
    assert again.answers(np.asarray([[0.0, 1.0], [1.0, 0.0]])).tolist() == ["red", "green"]


def test_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a folder of images by class, got No such file or directory"):
        load_images(tmp_path / "none")
    (tmp_path / "red").mkdir()
    with pytest.raises(DataError, match="for each of two classes or more, got no images in red"):
        load_images(tmp_path)
    for number in range(7):
        (tmp_path / "many" / str(number)).mkdir(parents=True)
    with pytest.raises(DataError, match="no images in 0, 1, 2, 3, 4 and 2 more; put"):
        load_images(tmp_path / "many")
    photos(tmp_path / "a")
    (tmp_path / "a" / "red" / "torn.jpg").write_bytes((tmp_path / "a" / "red" / "1.jpg").read_bytes()[:400])
    with pytest.raises(DataError, match=r"torn.jpg must be a whole image, got .*; replace or remove it"):
        load_images(tmp_path / "a")
    (tmp_path / "a" / "red" / "torn.jpg").write_text("hello")
    with pytest.raises(DataError, match=r"torn.jpg must be a whole image, got no image"):
        load_images(tmp_path / "a")
    with pytest.raises(ArgumentError, match="size must be a positive integer"):
        load_images(tmp_path / "a", size=0)
    for size in ("8", (8, 8, 3), None):
        with pytest.raises(ArgumentError, match="size must be one number, or a height and a width, got"):
            load_images(tmp_path / "a", size=size)


def test_what_systems_hide_in_folders_is_passed_over(tmp_path: Path) -> None:
    photos(tmp_path, 2)
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "red" / ".thumbs").mkdir()
    for name in ("red/._0.png", "__MACOSX/._0.png", "red/.thumbs/0.png"):
        (tmp_path / name).write_bytes(b"none")
    assert load_images(tmp_path, size=4, validation=None).train[0].shape[0] == 4


def test_of_validation_and_test_the_first_is_kept_apart_and_may_lack_a_class(tmp_path: Path) -> None:
    photos(tmp_path / "train", 3)
    photos(tmp_path / "val", 1)
    photos(tmp_path / "test", 2)
    (tmp_path / "val" / "red" / "0.png").unlink()
    (tmp_path / "val" / "red").rmdir()
    assert load_images(tmp_path, size=4).validation[0].shape[0] == 1


def test_pictures_stand_upright_and_animations_show_their_first(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[:, 4:] = 255
    picture = Image.fromarray(pixels)
    turned = picture.getexif()
    turned[274] = 3  # by half a turn
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    picture.save(tmp_path / "a" / "0.jpg", exif=turned, quality=100)
    picture.save(tmp_path / "b" / "0.gif", save_all=True, append_images=[Image.new("RGB", (8, 8))] * 2)
    x = to_numpy(load_images(tmp_path, size=8, validation=None, grey=True).train[0])
    assert x[0, 0, 0, 0] > 0 > x[0, 0, 0, 7]
    assert x[1, 0, 0, 7] > 0 > x[1, 0, 0, 0]
