"""Remedies of calls: out of order, with too much or too little, and of what is done with networks and files."""

from rows import Remedy

NET = """
rng = Generator(0); x = xn.asarray(rng.normal((2, 4), "x"))
t = xn.asarray([0, 1], dtype="int64")
net = TwoLayerNet(4, 5, 3, rng=rng)
"""
FILE = NET + "path = folder / 'net.safetensors'; xn.save(path, net)"
OWN = """
class Own(Layer):
    def forward(self, x):
        self.x = x
    def backward(self, dout):
        return dout
"""

READ_ONLY = """
x, t = np.ones((2, 4)), np.asarray([0, 1])
with xn.use_backend("numpy", dtype="float64"):
    net = TwoLayerNet(4, 5, 3)
W1 = net.params["W1"]
W1.flags.writeable = False
"""

VMAP = """
x = xn.asarray([[1.0, 2.0], [3.0, 4.0]])
xp = array_namespace(x)
def double(row):
    return 2.0 * row
def change(row):
    row[0] = 1.0
    return row
"""

CALLS = [
    Remedy(
        READ_ONLY,
        "xn.numerical_gradient(lambda W: net.loss(x, t), W1)",
        "def f(W):\n    «with net.using({'W1': W}): return net.loss(x, t)»\nxn.numerical_gradient(f, W1)",
    ),
    # layers
    Remedy(
        "layer = Relu()",
        "layer.backward(1.0)",
        "layer.forward(xn.asarray([1.0])); layer.backward(1.0)",
        "call forward first",
    ),
    Remedy("x = xn.asarray([1.0])", "MulLayer()(x)", "MulLayer()(x, x)", "give one value for each name"),
    Remedy(
        OWN,
        "Own()(xn.asarray([1.0]))",
        "Own.forward = lambda self, x: x * 1.0; Own()(xn.asarray([1.0]))",
        "return its result",
    ),
    Remedy(
        "x = xn.asarray([[0.0, 1.0]])",
        "BatchNormalization.create(2)(x)",
        "BatchNormalization.create(2)(xn.asarray([[0.0, 1.0]] * 2))",
        "train on larger batches",
    ),
    Remedy(
        "x = xn.asarray(np.ones((2, 3, 1))); layer = RNN.create(1, 2, stateful=True); layer(x)",
        "layer(x[:1, ...])",
        "layer.«reset_state()»; layer(x[:1, ...])",
    ),
    Remedy(
        "x = xn.asarray(np.ones((2, 3)))",
        "Residual(Affine.create(3, 4))(x)",
        "Residual(Affine.create(3, 4), «shortcut=»Affine.create(3, 4))(x)",
    ),
    # networks
    Remedy(NET, "net.params['W3']", "net.params['W2']", "choose one"),
    Remedy(NET, "net.params['b1'] = x", "net.params['b1'] = xn.asarray(np.ones(5))", "assign an array of that shape"),
    Remedy(NET, "del net.params['W1']", "net = TwoLayerNet(4, 6, 3)", "build another network instead"),
    Remedy(NET, "net.grads", "net.«gradient(x, t)»; net.grads"),
    Remedy(NET, "net.loss(x, t, xn.asarray([1.0, 1.0]))", "net.loss(x, t, «weights=»xn.asarray([1.0, 1.0]))"),
    Remedy(
        NET + "relu = Sequential(Relu())",
        "relu.loss(x, x)",
        "Sequential(Relu(), «loss=»IdentityWithLoss()).loss(x, x)",
    ),
    Remedy(
        "x = xn.asarray(np.ones((2, 1))); net = Sequential(Affine.create(1, 1), loss=IdentityWithLoss())",
        "net.accuracy(x, x)",
        "net.«loss(»x, x, «predict=True)»; Sequential(Affine.create(1, 1), loss=«SigmoidWithLoss»()).accuracy(x, x)",
    ),
    Remedy(
        "x = xn.asarray(np.ones((2, 3))); net = Sequential(Affine.create(3, 3), loss=IdentityWithLoss())",
        "net.accuracy(x, x)",
        "net.«loss(»x, x, «predict=True)»; Sequential(Affine.create(3, 3), loss=«SigmoidWithLoss»()).accuracy(x, x)",
    ),
    Remedy(
        "lm = TransformerLM(5, 4, 8, 2, 1); p = xn.asarray([0], dtype='int64')",
        "lm.generate(p, 2, temperature=-1)",
        "lm.generate(p, 2, temperature=«0»)",
    ),
    Remedy(
        "lm = TransformerLM(5, 4, 8, 2, 1)",
        "lm.generate(xn.asarray([9], dtype='int64'), 2)",
        "lm.generate(xn.asarray([4], dtype='int64'), 2)",
        "encode it with the vocabulary",
    ),
    # optimizers
    Remedy(NET, "SGD().update(net, net.gradient(x, t))", "SGD().update(«net.params», net.gradient(x, t))"),
    Remedy(NET, "SGD().update(net.params, {})", "SGD().update(«net.params», «net.gradient(x, t)»)"),
    Remedy(NET, "SGD().update(net.params, [x])", "SGD().update(net.params, «net.gradient(x, t)»)"),
    Remedy(
        NET,
        "sgd = SGD(groups={'W9': {'lr': 1.0}}); sgd.update(net.params, net.gradient(x, t))",
        "sgd = SGD(groups={'W2': {'lr': 1.0}}); sgd.update(net.params, net.gradient(x, t))",
        "correct or drop it",
    ),
    Remedy(
        NET + "g = TwoLayerNet(4, 6, 3).gradient(x, t)",
        "SGD().update(net.params, g)",
        "SGD().update(net.params, «net.gradient(x, t)»)",
    ),
    # training
    Remedy(NET, "Trainer(SGD(), net, (x, t))", "Trainer(net, SGD(), (x, t))", "give it first, then the optimizer"),
    Remedy(NET, "Trainer(net, SGD, (x, t))", "Trainer(net, «SGD(lr=0.1)», (x, t))"),
    Remedy(NET, "Trainer(net, SGD(), x, t)", "Trainer(net, SGD(), «train=(x, t)»)"),
    Remedy(
        NET,
        "Trainer(net, SGD(), (x, t), batch_size=0)",
        "Trainer(net, SGD(), (x, t), batch_size=1)",
        "give a whole number from 1",
    ),
    Remedy(
        NET,
        "list(Trainer(net, SGD(1e38), (x, t)).run(9))",
        "net = TwoLayerNet(4, 5, 3); list(Trainer(net, SGD(0.1), (x, t)).run(9))",
        "lower the learning rate",
    ),
    Remedy(NET, "datasets.Batches(x, t[:1], 1)", "datasets.Batches(x, t, 1)", "give a target for every row of x"),
    Remedy(
        NET,
        "datasets.Batches(x, t, 1, np.random.default_rng(0))",
        "import xpnet; seed = 0; datasets.Batches(x, t, 1, «xpnet.random.Generator(seed)»)",
    ),
    # files
    Remedy(
        FILE + "; path = folder / 'wide.safetensors'; big = net.astype('float64'); "
        "big.params['b1'] += 1e300; xn.save(path, big)",
        "xn.load(path, net)",
        'net = «net.astype("float64")»; xn.load(path, net)',
    ),
    Remedy(FILE, "xn.load(path)", "«xn.load(path, net)»"),
    Remedy(FILE, "xn.load(path, net.params)", "xn.load(path, net)", "give the whole network, not its params"),
    Remedy(FILE, "xn.save(net, path)", "xn.save(path, net)", "give the path first"),
    Remedy(
        FILE,
        "xn.load(folder / 'other', net)",
        "xn.load(path, net)",
        "got No such file or directory; give the file that xn.save wrote",
    ),
    Remedy(
        FILE,
        "xn.load(path, TwoLayerNet(4, 6, 3))",
        "xn.load(path, TwoLayerNet(4, 5, 3))",
        "give the file that xn.save wrote for such a network",
    ),
    Remedy(FILE, "xn.load(path, net, SGD())", "xn.load(path, net)", "or load the weights alone"),
    Remedy(
        FILE,
        "xn.save(folder / 'not' / 'there', net)",
        "xn.save(folder / 'there', net)",
        "got No such file or directory; choose another path",
    ),
    Remedy(VMAP, "vmap(3)(x)", "vmap(double)(x)", "write vmap(f)(x)"),
    Remedy(VMAP, "vmap(double, out_axes=None)(x)", "vmap(double, «out_axes=0»)(x)"),
    Remedy(VMAP, "vmap(double, out_axes=5)(x)", "vmap(double, «out_axes=0»)(x)"),
    Remedy(
        VMAP,
        "vmap(lambda row: row if row[0] > 0 else -row)(x)",
        "vmap(lambda row: row if row[0] > 0 else -row, loop=True)(x)",
        "or vmap(f, …, loop=True)",
    ),
    Remedy(
        VMAP,
        "vmap(lambda row: change(row[:2]))(x)",
        "def own(x):\n    xp = array_namespace(x)\n    return change(«xp.asarray(x, copy=True)»)\nvmap(own)(x)",
    ),
    Remedy(
        VMAP + "v = xn.asarray([[1, 2], [3, 4]], dtype='int64')",
        "jvp(double, (x,), (v,))",
        "jvp(double, (x,), («xp.astype(v, x.dtype)»,))",
    ),
]
