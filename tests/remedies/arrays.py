"""Remedies of arrays: their library, device, dtype and shape."""

from rows import Remedy

X = "x = np.ones((2, 4)); net = TwoLayerNet(4, 5, 3); affine = Affine.create(4, 3)"
IMAGES = "x = xn.asarray(np.ones((2, 8, 8, 1))); conv = Convolution.create(1, 4, 3)"
LABELS = "x = xn.asarray(np.ones((2, 3)))"
VARIABLE = "v = xn.Variable(xn.asarray([1.0, 2.0])); xp = array_namespace(v)"
COMPLEX = "x = here.asarray([[1.0 + 1.0j], [0.0]]); xp = array_namespace(x)"
ANSWERS = "; net = Sequential(Affine.create(1, 1), loss=SigmoidWithLoss())"

PROMOTES_NOTHING = """
class Own(Affine):
    def forward(self, x):
        if x.dtype != self.W.dtype:
            raise TypeError
        return super().forward(x)
"""

OTHER = """
other = "numpy" if here.name != "numpy" else "array-api-strict"
own, x = (xn.backend.make_backend(name).asarray([[1.0, 2.0], [3.0, 4.0]]) for name in (here, other))
"""

ARRAYS = [
    # what is no array
    Remedy(X, "affine(x.tolist())", "x = x.tolist(); affine(«xn.asarray(x)»)"),
    Remedy(X, "net.predict(x.tolist())", "x = x.tolist(); net.predict(«xn.asarray(x)»)"),
    Remedy(
        LABELS,
        "t = [0, 1]; SoftmaxWithLoss()(x, t)",
        't = [0, 1]; SoftmaxWithLoss()(x, «xn.asarray(t, dtype="int64")»)',
    ),
    Remedy(
        X, "x = [0, 1]; Embedding.create(3, 2)(x)", 'x = [0, 1]; Embedding.create(3, 2)(«xn.asarray(x, dtype="int64")»)'
    ),
    Remedy("x = [1.0, 2.0]", "array_namespace(x)", "array_namespace(«xn.asarray(x)»)"),
    Remedy("x = [1.0, 2.0]", "xn.Variable(x)", "xn.Variable(«xn.asarray(x)»)"),
    Remedy("x = [1.0, 2.0]", "xn.gradient_check(Relu(), x)", "xn.gradient_check(Relu(), «xn.asarray(x)»)"),
    Remedy("x = [2.0]; f = lambda x: x[0]", "xn.numerical_gradient(f, x)", "xn.numerical_gradient(f, «xn.asarray(x)»)"),
    Remedy("x = iter([1.0, 2.0])", "xn.asarray(x)", "xn.asarray(«list(x)»)"),
    Remedy("x = [['a'], ['b']]", "xn.asarray(x)", "xn.asarray(«np.unique(x, return_inverse=True)[1]»)"),
    Remedy("x = np.ma.masked_array([1.0], [True])", "xn.asarray(x)", "xn.asarray(«x.filled(0.0)»)"),
    Remedy("x = np.asarray([0.5])", 'xn.asarray(x, dtype="int64")', 'xn.asarray(«np.round(x)», dtype="int64")'),
    Remedy("x = np.asarray([1j])", 'xn.asarray(x, dtype="int64")', 'xn.asarray(«x.real», dtype="int64")'),
    Remedy(
        "class Sparse:\n    def toarray(self):\n        return np.eye(2)\nx = Sparse()",
        "xn.asarray(x)",
        "xn.asarray(«x.toarray()»)",
    ),
    Remedy("x = ['a', None]", "xn.asarray(x)", "x = ['a', '']; xn.asarray(«np.unique(x, return_inverse=True)[1]»)"),
    # two libraries
    Remedy("x = 3.0", "array_namespace(x)", "array_namespace(«xn.asarray(x)»)"),
    Remedy(OTHER, "array_namespace(own, x)", "array_namespace(own, «xn.asarray(x)»)"),
    Remedy(OTHER, "y = x; AddLayer()(own, y)", "AddLayer()(own, «xn.asarray(y)»)"),
    Remedy(OTHER, "AddLayer()(x, own)", "y = own; «xn.set_backend(»other); AddLayer()(x, «xn.asarray(y)»)"),
    Remedy(OTHER, "Affine.create(2, 3)(x)", "Affine.create(2, 3)(«xn.asarray(x)»)"),
    Remedy(
        OTHER + "net, t = TwoLayerNet(2, 2, 2), array_namespace(x).asarray([0, 1])",
        "net.accuracy(own, t)",
        'net.accuracy(own, «xn.asarray(t, dtype="int64")»)',
    ),
    Remedy(
        OTHER + "net, optimizer, t = TwoLayerNet(2, 2, 2), Momentum(), [0, 1]\n"
        "optimizer.update(net.params, net.gradient(own, here.asarray(t)))\n"
        "net.to(other); grads = net.gradient(x, array_namespace(x).asarray(t))",
        "optimizer.update(net.params, grads)",
        "«optimizer.to(»other); optimizer.update(net.params, grads)",
    ),
    # dtypes
    Remedy("x = here.asarray([[1, 2, 3, 4]]); " + X[26:], "affine(x)", "affine(«xn.asarray(x)»)"),
    Remedy("x = here.asarray([[True]])", "Relu()(x)", "Relu()(«xn.asarray(x)»)"),
    Remedy("x = here.asarray([1, 2])", "xn.Variable(x)", "xn.Variable(«xn.asarray(x)»)"),
    Remedy("x = here.asarray([1, 2])", "xn.gradient_check(Relu(), x)", "xn.gradient_check(Relu(), «xn.asarray(x)»)"),
    Remedy(
        "W = here.asarray([[1, 2]])", "Affine(W, xn.asarray([0, 0]))", "Affine(«xn.asarray(W)», xn.asarray([0, 0]))"
    ),
    Remedy(
        "net = TwoLayerNet(4, 5, 3); W1 = here.asarray(np.ones((4, 5), dtype=int))",
        'net.params["W1"] = W1',
        'net.params["W1"] = «xn.asarray(W1)»',
    ),
    Remedy(
        "x = xn.asarray([[0, 1]]); layer = Embedding.create(3, 2)", "layer(x)", 'layer(«xn.asarray(x, dtype="int64")»)'
    ),
    Remedy(
        "prompt = xn.asarray([0, 1]); net = TransformerLM(5, 4, 8, 2, 1)",
        "net.generate(prompt, 2)",
        'net.generate(«xn.asarray(prompt, dtype="int64")», 2)',
    ),
    Remedy(
        LABELS,
        "t = here.asarray(np.eye(3)[:2].astype(int)); SoftmaxWithLoss()(x, t)",
        "SoftmaxWithLoss()(x, «xn.asarray(t)»)",
    ),
    Remedy(LABELS, "t = here.asarray([[0], [1]]); SoftmaxWithLoss()(x, t)", "SoftmaxWithLoss()(x, «t[..., 0]»)"),
    Remedy(
        LABELS,
        "t = xn.asarray([0, 1]); SoftmaxWithLoss()(x, t)",
        'SoftmaxWithLoss()(x, «xn.asarray(t, dtype="int64")»)',
    ),
    Remedy(
        LABELS,
        "t = here.asarray([True, False]); SoftmaxWithLoss()(x, t)",
        'SoftmaxWithLoss()(x, «xn.asarray(t, dtype="int64")»)',
    ),
    Remedy(
        LABELS, "t = here.asarray([[1, 2, 3]] * 2); IdentityWithLoss()(x, t)", "IdentityWithLoss()(x, «xn.asarray(t)»)"
    ),
    Remedy(
        LABELS + "; t = here.asarray([0, 1])",
        "weights = here.asarray([1, 2]); SoftmaxWithLoss()(x, t, weights)",
        "SoftmaxWithLoss()(x, t, «xn.asarray(weights)»)",
    ),
    Remedy(COMPLEX, "Relu()(x)", "Relu()(«xp.real(x)»)"),
    Remedy(COMPLEX, "t = x; Huber()(xp.real(x), t)", "Huber()(xp.real(x), «xp.real(t)»)"),
    Remedy(COMPLEX + ANSWERS, "t = x; net.accuracy(xp.real(x), t)", "net.accuracy(xp.real(x), «xp.real(t)»)"),
    Remedy(
        PROMOTES_NOTHING + "x, layer = xn.asarray([[1.0, 2.0]], dtype='float64'), Own.create(2, 3)",
        "layer(x)",
        'layer(«xn.asarray(x, dtype="float32")»)',
    ),
    Remedy("dtype = 'int8'", "Affine.create(2, 2).astype(dtype)", 'Affine.create(2, 2).astype(«"float32"»)'),
    Remedy("dtype = 'int8'", "xn.set_backend(here.name, dtype=dtype)", 'xn.set_backend(here.name, dtype=«"float32"»)'),
    Remedy(
        "x = xn.asarray(np.ones((2, 3))); t = x",
        "SoftmaxWithLoss(ignore_index=-1)(x, t)",
        "SoftmaxWithLoss()(x, t, xn.asarray([1, 0]))",
        "weights of 0 for samples that do not count",
    ),
    # shapes
    Remedy(X, "affine(xn.asarray(x[:, :3]))", "affine(xn.asarray(x))", "give each row 4 values"),
    Remedy(X, "x = xn.asarray(x[0]); affine(x)", "affine(«x[None, ...]»)"),
    Remedy(IMAGES, "conv(x)", "conv(«Transpose(0, 3, 1, 2)(x)»)"),
    Remedy(IMAGES, "x = x[..., 0]; conv(x)", "conv(«x[:, None, ...]»)"),
    Remedy(
        IMAGES,
        "x = x[0, ..., 0]; MaxPooling(2, 2)(x[None, ...])",
        "x = x[None, ...]; MaxPooling(2, 2)(«x[:, None, ...]»)",
    ),
    Remedy("x = xn.asarray(np.ones((3, 8, 8))); conv = Convolution.create(3, 4, 3)", "conv(x)", "conv(«x[None, ...]»)"),
    Remedy(
        "x = xn.asarray(np.ones((2, 5, 5, 8))); layer = TransposedConvolution.create(8, 2, 3)",
        "layer(x)",
        "layer(«Transpose(0, 3, 1, 2)(x)»)",
    ),
    Remedy(
        "x = xn.asarray(np.ones((2, 5, 5, 3))); layer = BatchNormalization.create(3)",
        "layer(x)",
        "layer(«Transpose(0, 3, 1, 2)(x)»)",
    ),
    Remedy(
        "x = xn.asarray(np.ones((1, 3))); y = xn.asarray(np.ones((1, 2)))",
        "AddLayer()(x, y)",
        "AddLayer()(x, y[:, :1])",
        "make their axes equal, or 1",
    ),
    Remedy(X, "y = affine(xn.asarray(x)); affine.backward(y[:1, ...])", "affine.backward(y)", "give it that shape"),
    Remedy(LABELS, "SoftmaxWithLoss()(x[:0, ...], x[:0, ...])", "SoftmaxWithLoss()(x, x)", "leave empty batches out"),
    Remedy(
        LABELS,
        "t = here.asarray([0, 3]); datasets.check_data(x, t, 3)",
        "datasets.check_data(x, t, 4)",
        "give the network an output for each",
    ),
    Remedy(
        LABELS,
        "Trainer(Sequential(Affine.create(3, 2), loss=IdentityWithLoss()), SGD(), (x, x))",
        "Trainer(Sequential(Affine.create(3, 3), loss=IdentityWithLoss()), SGD(), (x, x))",
        "give a target for each output",
    ),
    Remedy(
        "x, t = xn.asarray([[1.0], [2.0]]), here.asarray([1, 0]); xp = array_namespace(x)" + ANSWERS,
        "net.accuracy(x, t)",
        "net.accuracy(x, «xp.reshape(t, (-1, 1))»)",
    ),
    Remedy(LABELS, "datasets.check_data(x * float('nan'), x)", "datasets.check_data(x, x)", "drop or clean it"),
    # Variables
    Remedy(VARIABLE, "v.flags", "x = v; «stop_gradient(x).value»"),
    Remedy(
        VARIABLE,
        "y = xp.broadcast_to(v, (3, 2)); y[0, ...] = 3.0",
        "x = xp.broadcast_to(v, (3, 2)); y = «xp.asarray(x, copy=True)»; y[0, ...] = 3.0",
    ),
    Remedy(VARIABLE, "np.asarray(v)", "x = v; «stop_gradient(x).value»"),
    Remedy(VARIABLE, "y = v * v; y.backward()", "dout = xn.asarray([1.0, 1.0]); «y.backward(dout)»"),
    Remedy(
        VARIABLE,
        "y = xp.sum(v * v); y.backward(); y.backward()",
        "y = xp.sum(v * v); «y.backward(keep=True)»; y.backward()",
    ),
    Remedy(
        COMPLEX, "xn.jacobian(lambda x: x * x, mode='forward')(x)", "xn.jacobian(lambda x: x * x, «mode='reverse'»)(x)"
    ),
    Remedy(VARIABLE, "xn.grad(v)", "f, x = float, v; f = xp.sum; «grad(f)(x)»"),
    Remedy(VARIABLE, "f, x = (lambda x: x * x), v; xn.jvp(f, x, x)", "v = x; «jvp(f, (x,), (v,))»"),
    Remedy(VARIABLE, "xn.grad(lambda x: x * x)(v)", "xn.jacobian(lambda x: x * x)(v)", "use jacobian"),
    Remedy(VARIABLE, "xn.grad(lambda x: None)(v)", "xn.grad(lambda x: xp.sum(x))(v)", "return its result"),
    Remedy(VARIABLE, "xn.vjp(xp.sum, v)[1]([1.0])", "xn.vjp(xp.sum, v)[1](1.0)"),
    Remedy(VARIABLE, "v.__dlpack__()", "x = v; «stop_gradient(x).value».__dlpack__()"),
    Remedy(VARIABLE, "(3.0 * stop_gradient(v)).backward()", "x = 1.0; y = 3.0 * «Variable(x)»; y.backward()"),
    Remedy(
        VARIABLE,
        "xn.grad(lambda x: xp.sum(x * 1j))(v)",
        "y = v * 1j; «xp.real(y)»",
        "return xp.real(y), or use jacobian",
    ),
    Remedy(
        VARIABLE + "; A = xn.asarray(np.ones((3, 2)) + np.eye(3)[:, :2])",
        "xn.grad(lambda A: xp.sum(xp.linalg.qr(A, mode='complete').Q))(A)",
        "xn.grad(lambda A: xp.sum(xp.linalg.qr(A, «mode='reduced'»).Q))(A)",
    ),
    Remedy(
        VARIABLE + "; A = xn.asarray(np.ones((3, 2)) + np.eye(3)[:, :2])",
        "xn.grad(lambda A: xp.sum(xp.linalg.svd(A).U))(A)",
        "xn.grad(lambda A: xp.sum(xp.linalg.svd(A, «full_matrices=False»).U))(A)",
    ),
    Remedy(VARIABLE, "v['a']", "x, indices = v, xn.asarray([0], dtype='int64'); «xp.take(x, indices, axis=0)»"),
    Remedy(VARIABLE, "v[xn.asarray([0.0])]", "v[0]", "a key must be made of integers"),
    Remedy(
        VARIABLE,
        "xn.grad(lambda x: float(x[0]) * x[1])(v)",
        "xn.grad(lambda x: float(«stop_gradient(x)»[0]) * x[1])(v); x = v; «xp = array_namespace(x)»; xp.prod(x)",
    ),
    Remedy(
        VARIABLE + "; x = v; from copy import deepcopy",
        "deepcopy(x)",
        "(«xp.asarray(x, copy=True)» * x)[0].backward(); Variable(deepcopy(«stop_gradient(x).value»))[0].backward()",
        "then Variable(…) anew",
    ),
    Remedy(
        VARIABLE + "; include_initial = v[0]",
        "xp.cumulative_sum(v, include_initial=include_initial)",
        "xp.cumulative_sum(v, include_initial=«stop_gradient(include_initial)»)",
    ),
    Remedy(
        VARIABLE + "; x, mask, v = xp.stack([v, v, v]), here.asarray([True, False]), 0.0",
        "x[mask] = v",
        "«xp.where(mask, v, x)»",
        "which broadcasts",
    ),
    Remedy(
        VARIABLE + "; x = v * 1.0; mask = here.asarray([True, False])",
        "x[mask] = v",
        "«xp.where(mask, v, x)»",
        "for v of the shape of x",
    ),
]
