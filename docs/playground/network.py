"""A network of two layers as equations: change any line."""

import xpnet as xn
from xpnet.backend import array_namespace
from xpnet.datasets import load_digits
from xpnet.layers import Layer
from xpnet.networks import Sequential
from xpnet.optimizers import SGD
from xpnet.random import Generator


class Affine(Layer):
    """y = x W + b

    Backward: dx = dout Wᵀ, dW = xᵀ dout, db = Σ dout
    """

    parameters = ("W", "b")
    shapes = {"x": "N D", "W": "D M", "b": "M"}

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        xp = array_namespace(dout)
        self.dW = self.x.T @ dout
        self.db = xp.sum(dout, axis=0)
        return dout @ self.W.T


class Relu(Layer):
    """y = max(x, 0)

    Backward: dx = dout where x > 0, else 0
    """

    def forward(self, x):
        xp = array_namespace(x)
        self.off = x <= 0
        return xp.where(self.off, xp.zeros_like(x), x)

    def backward(self, dout):
        xp = array_namespace(dout)
        return xp.where(self.off, xp.zeros_like(dout), dout)


class SoftmaxWithLoss(Layer):
    """L = -Σ t log y / N, y = exp(x) / Σ exp(x)

    Backward: dx = dout (y - t) / N
    """

    differentiable = ("x",)

    def forward(self, x, t):
        xp = array_namespace(x)
        e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
        self.y = e / xp.sum(e, axis=1, keepdims=True)
        classes = xp.arange(x.shape[1]) == t[:, None]
        self.t = xp.astype(classes, x.dtype)
        return -xp.sum(self.t * xp.log(self.y)) / x.shape[0]

    def backward(self, dout):
        dx = (self.y - self.t) / self.t.shape[0]
        return dout * dx


hidden = 50
rng = Generator(0)
W1 = xn.asarray(0.1 * rng.normal((64, hidden), "W1"))
W2 = xn.asarray(0.1 * rng.normal((hidden, 10), "W2"))

net = Sequential(
    Affine(W1, xn.asarray([0.0] * hidden)),
    Relu(),
    Affine(W2, xn.asarray([0.0] * 10)),
    loss=SoftmaxWithLoss(),
)

train, test = load_digits()  # 1437 and 360 images of 8 x 8
optimizer = SGD(lr=0.3)
batch_size = 30
epochs = 20
