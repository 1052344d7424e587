"""Layers as a student writes them, right; the table of mutations changes a line of one."""

import numpy as np

from xpnet.layers import Layer


class Mul(Layer):
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dout):
        dx = dout * self.y
        dy = dout * self.x
        return dx, dy


class Sub(Layer):
    def forward(self, x, y):
        return x - y

    def backward(self, dout):
        return dout, -dout


class Div(Layer):
    def forward(self, x, y):
        self.x, self.y = x, y
        return x / y

    def backward(self, dout):
        return dout / self.y, -dout * self.x / self.y**2


class Relu(Layer):
    def forward(self, x):
        self.mask = x <= 0
        return np.where(self.mask, 0.0, x)

    def backward(self, dout):
        dx = np.where(self.mask, 0.0, dout)
        return dx  # noqa: RET504


class Sigmoid(Layer):
    def forward(self, x):
        self.x = x
        self.out = 1.0 / (1.0 + np.exp(-x))
        return self.out.copy()

    def backward(self, dout):
        return dout * self.out * (1.0 - self.out)


class Tanh(Layer):
    def forward(self, x):
        self.x = x
        self.y = np.tanh(x)
        return self.y

    def backward(self, dout):
        return dout * (1.0 - self.y**2)


class Exp(Layer):
    def forward(self, x):
        self.y = np.exp(x)
        return self.y

    def backward(self, dout):
        return dout * self.y


class Square(Layer):
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, dout):
        return dout * self.x + dout * self.x


class Gate(Layer):
    """An input in two places, ``y = x + x sigmoid(x)``."""

    def forward(self, x):
        self.x = x
        self.s = 1.0 / (1.0 + np.exp(-x))
        return x + x * self.s

    def backward(self, dout):
        return dout + dout * (self.s + self.x * self.s * (1.0 - self.s))


class Affine(Layer):
    parameters = ("W", "b")

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        dx = dout @ self.W.T
        self.dW = self.x.T @ dout
        self.db = np.sum(dout, axis=0)
        return dx


class Softmax(Layer):
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, dout):
        dx = self.y * (dout - np.sum(dout * self.y, axis=1, keepdims=True))
        return dx  # noqa: RET504


class Centre(Layer):
    def forward(self, x):
        return x - x.mean(axis=0)

    def backward(self, dout):
        return dout - dout.mean(axis=0)


class Standardize(Layer):
    parameters = ("gamma", "beta")

    def forward(self, x):
        self.std = np.sqrt(x.var(axis=0) + 1e-5)
        self.xhat = (x - x.mean(axis=0)) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        self.dgamma = np.sum(dout * self.xhat, axis=0)
        self.dbeta = np.sum(dout, axis=0)
        d = dout * self.gamma
        return (d - d.mean(axis=0) - self.xhat * (d * self.xhat).mean(axis=0)) / self.std


class Rearrange(Layer):
    """``y[n, i, j] = x[n, j, i]``."""

    def forward(self, x):
        return np.transpose(x, (0, 2, 1)).copy()

    def backward(self, dout):
        return np.transpose(dout, (0, 2, 1))


class PoolMean(Layer):
    """The mean of each pair of columns."""

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(x.shape[0], -1, 2).mean(axis=2)

    def backward(self, dout):
        return np.repeat(dout, 2, axis=1) / 2


class SoftmaxLoss(Layer):
    differentiable = ("x",)

    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y, self.t = e / e.sum(axis=1, keepdims=True), t
        return -np.mean(np.log(self.y[np.arange(len(t)), t]))

    def backward(self, dout):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dout * dx / len(self.t)


class SquaredLoss(Layer):
    """``L = Σ (x - t)² / 2 N``."""

    differentiable = ("x",)

    def forward(self, x, t):
        self.difference = x - t
        return np.sum(self.difference**2) / 2 / len(t)

    def backward(self, dout):
        return dout * self.difference / self.difference.shape[0]
