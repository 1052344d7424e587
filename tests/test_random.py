"""The random streams: golden values, NumPy's own Philox, and what names, steps and uses do."""

from __future__ import annotations

import hashlib
import threading
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.errors import ArgumentError, XpnetError
from xpnet.random import DEFAULT, Generator, generator_of, normal_quantile

shapes = st.lists(st.integers(0, 5), max_size=4).map(tuple)
names = st.text(max_size=20)


def fingerprint(values: np.ndarray) -> str:
    """Of the bits, in one byte order."""
    return hashlib.sha256(values.astype(values.dtype.newbyteorder("<")).tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("seed", "uniform", "normal", "mask", "permutation"),
    [
        (0, "5f6df1897ae0087c", "64034052ba0313c0", "3cd6b61893c9755c", "eab9db76537f938d"),
        (1, "ce9ba46fbd631aeb", "5d8fd9126a981bf6", "0757e4ab9f8830c2", "f187ea45b1cc1872"),
    ],
)
def test_golden_values(seed: int, uniform: str, normal: str, mask: str, permutation: str) -> None:
    rng = Generator(seed)
    assert fingerprint(rng.uniform((1000,), "W")) == uniform
    assert fingerprint(rng.normal((1000,), "W")) == normal
    assert fingerprint(rng.mask((1000,), 0.5, "W")) == mask
    assert fingerprint(rng.permutation(1000, "W")) == permutation


def test_golden_bits_that_a_reader_can_see() -> None:
    rng = Generator(0)
    assert [hex(int(raw)) for raw in rng.raw(2, "W")] == ["0x74d37c91dd80abe5", "0x7956e5eb34b2f1fb"]
    assert [float(u).hex() for u in rng.uniform((2,), "W")] == ["0x1.d34df2477602ap-2", "0x1.e55b97acd2cbcp-2"]
    assert [float(z).hex() for z in rng.normal((2,), "W")] == ["-0x1.c109bee2fdcd3p-4", "-0x1.0b517435f06aep-4"]
    assert rng.mask((8,), 0.5, "W").astype(int).tolist() == [0, 1, 1, 1, 1, 0, 1, 1]
    assert rng.permutation(6, "W").tolist() == [4, 3, 0, 1, 2, 5]


def numpy_s_own(seed: int, name: str, step: int = 0, use: int = 0) -> np.random.Philox:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()
    key = [int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")]
    return np.random.Philox(
        key=np.asarray(key, dtype=np.uint64), counter=np.asarray([0, use, step, 0], dtype=np.uint64)
    )


@pytest.mark.parametrize(("seed", "step", "use"), [(0, 0, 0), (1, 7, 0), (2**64 - 1, 3, 5)])
def test_streams_are_numpy_s_philox(seed: int, step: int, use: int) -> None:
    rng = Generator(seed)
    np.testing.assert_array_equal(rng.raw(9, "W", step, use), numpy_s_own(seed, "W", step, use).random_raw(9))
    doubles = np.random.Generator(numpy_s_own(seed, "W", step, use)).random(9)
    np.testing.assert_array_equal(rng.uniform((9,), "W", step, use), doubles)


@pytest.mark.parametrize("keep", [0.0, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(7,), (3, 4), (), (0, 2)])
def test_mask_compares_numpy_s_float32_uniforms(keep: float, shape: tuple[int, ...]) -> None:
    singles = np.random.Generator(numpy_s_own(5, "drop", 2, 1)).random(shape, dtype=np.float32)
    mask = Generator(5).mask(shape, keep, "drop", step=2, use=1)
    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, singles < keep)


def test_mask_leaves_out_what_is_equal_to_keep() -> None:
    singles = np.random.Generator(numpy_s_own(0, "drop")).random(4, dtype=np.float32)
    for i, u in enumerate(singles.tolist()):
        assert not Generator(0).mask((4,), u, "drop")[i]


def test_quantile_is_the_inverse_of_the_normal_distribution_to_the_tails() -> None:
    tails = 2.0 ** -np.arange(2, 54)
    u = np.concatenate([np.linspace(0.0005, 0.9995, 2000), tails, 1.0 - tails, [0.075, 0.925, 1e-300]])
    expected = np.asarray([NormalDist().inv_cdf(float(value)) for value in u])
    np.testing.assert_allclose(normal_quantile(u), expected, rtol=1e-15, atol=0.0)


def test_quantile_is_odd_and_grows() -> None:
    u = np.arange(1, 2**10) / 2.0**10
    z = normal_quantile(u)
    np.testing.assert_array_equal(z, -z[::-1])
    assert np.all(np.diff(z) > 0.0)


def test_normal_numbers_are_quantiles_of_the_raw_integers_and_finite_at_both_ends() -> None:
    rng = Generator(3)
    middles = ((rng.raw(50, "W") >> np.uint64(12)) + 0.5) * 2.0**-52
    np.testing.assert_array_equal(rng.normal((50,), "W"), normal_quantile(middles))
    ends = normal_quantile(np.asarray([0.5 * 2.0**-52, (2.0**52 - 0.5) * 2.0**-52]))
    assert np.all(np.isfinite(ends))
    np.testing.assert_allclose(ends, [-8.2, 8.2], atol=0.1)


def test_moments() -> None:
    u, z = Generator(0).uniform((20_000,), "u"), Generator(0).normal((20_000,), "z")
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert u.mean() == pytest.approx(0.5, abs=0.01)
    assert z.mean() == pytest.approx(0.0, abs=0.03)
    assert z.std() == pytest.approx(1.0, abs=0.02)
    assert Generator(0).mask((20_000,), 0.3, "m").mean() == pytest.approx(0.3, abs=0.01)


@given(shape=shapes, name=names, seed=st.integers(0, 2**64 - 1), step=st.integers(0, 2**40), use=st.integers(0, 99))
def test_the_same_name_gives_the_same_bits_whoever_asks_and_in_whatever_order(shape, name, seed, step, use) -> None:
    one, other = Generator(seed), Generator(seed)
    other.normal((3,), "something else")
    first = one.normal(shape, name, step, use)
    assert first.shape == shape
    assert first.dtype == np.float64
    assert first.tobytes() == other.normal(shape, name, step, use).tobytes()
    assert one.uniform(shape, name, step, use).shape == one.mask(shape, 0.5, name, step, use).shape == shape


@given(count=st.integers(1, 60), more=st.integers(1, 60), name=names)
def test_a_longer_draw_begins_with_the_shorter(count: int, more: int, name: str) -> None:
    rng = Generator(0)
    for draw in (rng.uniform, rng.normal, lambda shape, name: rng.mask(shape, 0.5, name)):
        np.testing.assert_array_equal(draw((count + more,), name)[:count], draw((count,), name))
    np.testing.assert_array_equal(rng.uniform((2, count), name), rng.uniform((2 * count,), name).reshape(2, count))


def test_seed_name_step_and_use_each_name_another_stream() -> None:
    draws = [
        Generator(0).raw(4, "W"),
        Generator(1).raw(4, "W"),
        Generator(0).raw(4, "w"),
        Generator(0).raw(4, "W", step=1),
        Generator(0).raw(4, "W", use=1),
        Generator(0).raw(4, "W", step=1, use=1),
        Generator(0).raw(4, "W", step=2**32),
        Generator(1).raw(4, "0/W"),
        Generator(0).raw(4, "Wʹ"),
    ]
    values = {int(value) for draw in draws for value in draw}
    assert len(values) == 4 * len(draws)


def test_long_streams_of_two_steps_do_not_overlap() -> None:
    draws = [Generator(0).raw(10_000, "W", step, use) for step in (0, 1) for use in (0, 1)]
    assert np.unique(np.concatenate(draws)).size == 40_000


@given(count=st.integers(0, 300), step=st.integers(0, 50))
def test_a_permutation_holds_every_integer_once(count: int, step: int) -> None:
    order = Generator(0).permutation(count, "shuffle", step=step)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(count))


def test_a_permutation_is_the_stable_order_of_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for keys in ([5, 3, 5, 3, 2**63, 2**63 + 1, 7], [9, 8, 2**64 - 1, 0], [], [3], [2**40 + 1, 2**40]):
        drawn = np.asarray(keys, dtype=np.uint64)
        monkeypatch.setattr(Generator, "raw", lambda *_, drawn=drawn: drawn)
        expected = sorted(range(len(keys)), key=keys.__getitem__)
        assert Generator(0).permutation(len(keys), "shuffle").tolist() == expected


def test_permutations_differ_from_epoch_to_epoch() -> None:
    orders = {tuple(Generator(0).permutation(20, "shuffle", step=step)) for step in range(10)}
    assert len(orders) == 10


def test_the_state_is_seed_and_index() -> None:
    rng = Generator(7)
    assert [rng.next_name("Affine"), rng.next_name("Affine"), rng.next_name("Dropout")] == [
        "Affine1",
        "Affine2",
        "Dropout3",
    ]
    before = rng.normal((5,), "W")
    resumed = Generator(rng.seed)
    resumed.index = rng.index
    assert resumed.next_name("Affine") == "Affine4"
    np.testing.assert_array_equal(resumed.normal((5,), "W"), before)
    assert repr(rng) == "Generator(7)"


def test_names_given_to_many_threads_are_all_different() -> None:
    rng, found = Generator(0), []

    def ask() -> None:
        found.extend(rng.next_name("Affine") for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1600
    assert rng.index == 1600


def test_the_default_generator_is_one_for_the_process_with_seed_0() -> None:
    assert generator_of("Affine", None) is generator_of("Relu", None) is DEFAULT
    assert DEFAULT.seed == 0


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, 1.0, "0", None, True])
def test_a_bad_seed_is_refused(seed: object) -> None:
    with pytest.raises(
        ArgumentError, match=r"^Generator: seed must be an integer from 0 to 2\*\*64 - 1, got "
    ) as raised:
        Generator(seed)
    assert isinstance(raised.value, XpnetError)
    assert isinstance(raised.value, ValueError)
