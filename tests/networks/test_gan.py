"""A GAN trains two networks in turns, each by its own loss; a VAE by its lower bound, as torch computes it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from named_numbers import normal

import xpnet as xn
from xpnet.backend import to_numpy
from xpnet.errors import ArgumentError
from xpnet.layers import Affine, Relu
from xpnet.networks import GAN, VAE, Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator


def adversaries() -> GAN:
    rng = Generator(0)
    generator = Sequential(Affine.create(2, 3, rng=rng), Relu(), Affine.create(3, 4, rng=rng))
    return GAN(generator, Sequential(Affine.create(4, 3, rng=rng), Relu(), Affine.create(3, 1, rng=rng)), 2, rng)


def test_a_step_is_one_of_the_discriminator_and_then_one_of_the_generator(asarray, tolerance) -> None:
    gan, x = adversaries(), normal("x", 5, 4)
    before = copy.deepcopy(gan)
    codes = [gan.rng.normal((5, 2), f"GAN {name}") for name in ("judged", "forged")]
    judged, deceived = gan.step(asarray(x), SGD(0.5), SGD(0.25))

    forged = to_numpy(before.generator.predict(asarray(codes[0])))
    rows, t = asarray(np.concatenate([x, forged])), asarray(np.repeat([1.0, 0.0], 5)[:, None])
    loss, gradients = before.judge.loss_and_gradient(rows, t)
    np.testing.assert_allclose(to_numpy(judged), to_numpy(loss), rtol=100 * tolerance)
    SGD(0.5).update(before.judge.params, gradients)
    loss, gradients = before.forger.loss_and_gradient(asarray(codes[1]), asarray(np.ones((5, 1))))
    np.testing.assert_allclose(to_numpy(deceived), to_numpy(loss), rtol=100 * tolerance)
    for name, W in before.forger.params.items():
        moved = W - 0.25 * gradients[name] if name.startswith("generator.") else W
        np.testing.assert_allclose(
            to_numpy(gan.forger.params[name]), to_numpy(moved), rtol=100 * tolerance, atol=100 * tolerance
        )


def test_samples_are_named_by_their_step() -> None:
    gan = adversaries()
    assert gan.sample(3).shape == (3, 4)
    np.testing.assert_array_equal(gan.sample(3), gan.sample(3))
    assert not np.array_equal(gan.sample(3), gan.sample(3, step=1))
    with pytest.raises(ArgumentError, match="GAN: code must be a positive integer, got 0"):
        GAN(gan.generator, gan.discriminator, 0)


def test_the_loss_and_the_gradients_of_a_vae_are_torch_s() -> None:
    torch = pytest.importorskip("torch")
    with xn.use_backend("numpy", dtype="float64"):
        net = VAE(5, (4,), 2, beta=0.5, rng=Generator(0))
    x, z = Generator(0).uniform((3, 5), "x"), net.layers["both"].layers["Sequential1"].layers["sampling"]
    noise = torch.tensor(z.rng.normal((3, 2), z.stream, z.step))
    loss, gradients = net.loss_and_gradient(x, x)
    W = {name: torch.tensor(array, requires_grad=True) for name, array in net.params.items()}
    W1, b1, W2, b2, W3, b3, W4, b4 = W.values()
    mean, s = (torch.relu(torch.tensor(x) @ W1 + b1) @ W2 + b2).chunk(2, dim=1)
    normals = torch.distributions.Normal(mean, torch.exp(s / 2.0)), torch.distributions.Normal(0.0, 1.0)
    y = torch.relu((mean + torch.exp(s / 2.0) * noise) @ W3 + b3) @ W4 + b4
    fit = torch.nn.functional.binary_cross_entropy_with_logits(y, torch.tensor(x), reduction="sum")
    theirs = (fit + 0.5 * torch.distributions.kl_divergence(*normals).sum()) / 3.0
    theirs.backward()
    assert float(loss) == pytest.approx(theirs.item(), rel=1e-12)
    for name, tensor in W.items():
        np.testing.assert_allclose(gradients[name], tensor.grad.numpy(), rtol=1e-9, atol=1e-12)
    assert net.sample(4).shape == (4, 5)
    np.testing.assert_allclose(net.encode(x), net.predict(x)[:, 5:7])
    np.testing.assert_allclose(net.decode(net.encode(x)), 1.0 / (1.0 + np.exp(-net.predict(x)[:, :5])))
