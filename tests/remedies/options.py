"""Remedies of options: what a layer, network, optimizer, schedule or function is made with."""

from rows import Remedy

IMAGE = "x = xn.asarray(np.ones((2, 3, 8, 8)))"

OPTIONS = [
    # layers
    Remedy("", "Affine(4, 3)", "«Affine.create»(4, 3)"),
    Remedy("", "Affine.create(4, 0)", "Affine.create(4, 1)", "give a whole number from 1"),
    Remedy("W = xn.asarray([[1.0]])", "MatMul(W, W)", "MatMul(W)", "give one array for each name"),
    Remedy("", "Affine.create(4, 3, init='hee')", "Affine.create(4, 3, init='he')", "choose one"),
    Remedy("", "Affine.create(4, 3, init=-1.0)", "Affine.create(4, 3, init=«0.01»)"),
    Remedy(
        "rng = np.random.default_rng(0)",
        "Affine.create(4, 3, rng=rng)",
        "seed = 0; import xpnet; Affine.create(4, 3, rng=«xpnet.random.Generator(seed)»)",
    ),
    Remedy("", "Generator(-1)", "Generator(1)", "seed must be an integer from 0"),
    Remedy("", "Generator(0).raw(-1, 'x')", "Generator(0).raw(1, 'x')", "count from 0"),
    Remedy("", "LeakyRelu('a')", "LeakyRelu(0.1)", "give a float"),
    Remedy("", "Gelu('erf')", "Gelu('tanh')", "choose one"),
    Remedy("", "Dropout(1.5)", "Dropout(«0.5»)"),
    Remedy("", "Dropout.__init__(Dropout(), 2)", "Dropout(0.5)", "it is the share that is dropped"),
    Remedy("x = xn.asarray(np.ones((1, 1, 2, 2)))", "Padding(2, 'reflect')(x)", 'Padding(2, «mode="replicate"»)(x)'),
    Remedy("", "MaxPooling(2, 2, pad=2)", "MaxPooling(2, 2, pad=1)", "pad less"),
    Remedy("", "MaxPooling(2, 2, pad='all')", "MaxPooling(2, 2, «pad=1»)"),
    Remedy("", "MaxPooling(2, 2, stride=0)", "MaxPooling(2, 2, «stride=1»)"),
    Remedy("", "Convolution.create(3, 4, 3, groups=2)", "Convolution.create(3, 3, 3, groups=3)", "choose a divisor"),
    Remedy(
        "W = xn.asarray(np.ones((3, 1, 2, 2))); b = xn.asarray([0, 0, 0])",
        "Convolution(W, b, groups=2)",
        "Convolution(W, b, groups=3)",
        "choose a divisor",
    ),
    Remedy(
        IMAGE,
        "Convolution.create(3, 4, 9)(x)",
        "Convolution.create(3, 4, 9, pad=1)(x)",
        "make the window smaller, or pad more",
    ),
    Remedy(
        "W = xn.asarray(np.ones((3, 2, 2, 2)))",
        "TransposedConvolution(W, xn.asarray([0]))",
        "TransposedConvolution(W, xn.asarray([0, 0]))",
        "give one for each channel of y",
    ),
    Remedy(
        "",
        "TransposedConvolution.create(3, 2, 3, output_pad=1)",
        "TransposedConvolution.create(3, 2, 3, output_pad=0)",
        "make it smaller",
    ),
    Remedy(
        IMAGE,
        "TransposedConvolution.create(3, 2, 3, pad=6)(x)",
        "TransposedConvolution.create(3, 2, 3, pad=1)(x)",
        "pad less",
    ),
    Remedy("", "GroupNormalization.create(4, groups=3)", "GroupNormalization.create(4, groups=2)", "choose a divisor"),
    Remedy("", "BatchNormalization.create(3, momentum=2.0)", "BatchNormalization.create(3, momentum=«0.9»)"),
    Remedy("", "LayerNormalization.create(3, eps=0.0)", "LayerNormalization.create(3, eps=«1e-5»)"),
    Remedy("", "MultiHeadAttention.create(8, 3)", "MultiHeadAttention.create(8, 4)", "choose one of 1, 2, 4, 8"),
    Remedy("", "Reshape(0)", "Reshape(2, 2)", "give the shape of one sample"),
    Remedy("x = xn.asarray(np.ones((2, 6)))", "Reshape(2, 2)(x)", "Reshape(2, -1)(x)", "a multiple for -1"),
    Remedy(IMAGE, "Transpose(1, 2)", "Transpose(«0, 2, 3, 1»)(x)"),
    Remedy(IMAGE, "Transpose(1, 0)(x)", "Transpose(1, 0, 2, 3)(x)", "name every axis, the batch too"),
    Remedy("", "SoftmaxWithLoss(label_smoothing=1.5)", "SoftmaxWithLoss(label_smoothing=«0.1»)"),
    Remedy("", "SoftmaxWithLoss(ignore_index='a')", "SoftmaxWithLoss(ignore_index=«-100»)"),
    Remedy(
        "", "SoftmaxWithLoss(class_weights='a')", "SoftmaxWithLoss(class_weights=[1.0, 2.0])", "give an array or a list"
    ),
    Remedy(
        "",
        "SoftmaxWithLoss(class_weights=[-1.0, 1.0])",
        "SoftmaxWithLoss(class_weights=[1.0, 1.0])",
        "1.0 changes nothing",
    ),
    Remedy("", "SoftmaxWithLoss(reduction='max')", "SoftmaxWithLoss(reduction='sum')", "choose one"),
    Remedy("", "Huber(delta=0.0)", "Huber(delta=«1.0»)"),
    Remedy("", "RNN.create(2, 3, stateful='no')", "RNN.create(2, 3, stateful=False)", "choose one"),
    Remedy("", "Concat()", "Concat(Relu(), Identity())", "give it layers"),
    Remedy("", "Concat(Relu(), axis='a')", "Concat(Relu(), «axis=1»)"),
    # networks
    Remedy("", "SimpleConvNet(input_dim=(28, 28))", "SimpleConvNet(input_dim=«(1, 28, 28)»)"),
    Remedy(
        "",
        "SimpleConvNet(conv_param={'filters': 3})",
        "SimpleConvNet(conv_param={'filter_num': 3, 'filter_size': 5})",
        "name them so",
    ),
    Remedy("", "MultiLayerNet(4, 50, 3)", "MultiLayerNet(4, «[50]», 3)"),
    Remedy(
        "", "MultiLayerNet(4, [5], 3, activation='swish')", "MultiLayerNet(4, [5], 3, activation='relu')", "choose one"
    ),
    Remedy(
        "", "MultiLayerNet(4, [5], 3, weight_decay_lambda=-1)", "MultiLayerNet(4, [5], 3, weight_decay_lambda=«0.1»)"
    ),
    Remedy("", "ResNet(channels=())", "ResNet(channels=«(16, 32, 64)»)"),
    Remedy("", "Sequential(Relu)", "Sequential(«Relu()»)"),
    Remedy("", "Sequential(Affine)", "Sequential(«Affine.create»(4, 3))"),
    Remedy("", "Sequential([Relu()])", "layers = [Relu()]; «Sequential(*layers)»"),
    Remedy("", "Sequential(Relu(), SoftmaxWithLoss())", "Sequential(Relu(), «loss=»SoftmaxWithLoss())"),
    Remedy("relu = Relu()", "Sequential(relu, relu)", "Sequential(relu, Relu())"),
    Remedy("", "Sequential(Relu(), loss=Relu())", "Sequential(Relu(), loss=«SoftmaxWithLoss()»)"),
    Remedy(
        "",
        "Sequential(Relu(), loss='softmax')",
        "Sequential(Relu(), loss=SoftmaxWithLoss())",
        "give an instance of Layer",
    ),
    Remedy("net = Sequential(Relu())", "net.compute_in('bfloat16')", "net", "leave it as it is"),
    Remedy("", "SGD(lr=-1.0)", "SGD()", "leave it out for the usual value"),
    Remedy("", "Adam(groups={'*.b': {'decay': 0}})", "Adam(groups={'*.b': {'lr': 0.1}})", "choose one"),
    Remedy("", "AdamW(groups=['*.b'])", 'AdamW(groups=«{"*.b": {"weight_decay": 0.0}}»)'),
    Remedy("", "SAM(SGD)", "SAM(«SGD(lr=0.1)»)"),
    Remedy("", "Lookahead(SAM(SGD()))", "«SAM(Lookahead(»SGD()))"),
    Remedy("", "Warmup(-0.1, steps=5)", "Warmup(«Exponential(0.1, 0.99)», steps=5)"),
    Remedy("", "Cosine(0.1, steps=5, warmup=5)", "Cosine(0.1, steps=6, warmup=5)", "steps are 5"),
    Remedy("", "Cosine(0.1, steps=5, floor=0.5)", "Cosine(0.1, steps=5, floor=0.05)", "lr is 0.1"),
    Remedy("", "global_norm({})", "clip_by_norm({'W': xn.asarray([1.0])}, 1.0)", "net.gradient(x, t)"),
    Remedy("", "clip_by_norm({'W': xn.asarray([1.0])}, 0.0)", "clip_by_norm({'W': xn.asarray([1.0])}, «1.0»)"),
    Remedy("", "clip_by_value([1.0], 1.0)", "clip_by_value({'W': xn.asarray([1.0])}, 1.0)", "net.gradient(x, t)"),
    # the gradient check, drawing and the switch
    Remedy(
        "x = xn.asarray([1.0])",
        "xn.gradient_check(Relu(), x, mode='all')",
        "xn.gradient_check(Relu(), x, mode='every')",
        "choose one",
    ),
    Remedy(
        "x = xn.asarray([1.0])",
        "xn.gradient_check(Relu(), x, mode='complex')",
        'xn.gradient_check(Relu(), x, «mode="every"»)',
    ),
    Remedy(
        "x = xn.asarray([1.0])",
        "xn.gradient_check(Relu(), x, step=0.0)",
        "xn.gradient_check(Relu(), x)",
        "leave it out for a good one",
    ),
    Remedy("x = xn.asarray([1.0])", "xn.gradient_check(Relu())", "xn.gradient_check(Relu(), x)", "give each"),
    Remedy(
        "x = xn.asarray([1.0])", "xn.gradient_check('relu', x)", "xn.gradient_check(Relu(), x)", "give one of these"
    ),
    Remedy(
        "x = xn.asarray([1.0, 2.0])",
        "xn.numerical_gradient(lambda x: x * x, x)",
        "xn.numerical_gradient(lambda x: array_namespace(x).sum(x * x), x)",
        "sum its result",
    ),
    Remedy("", "xn.draw([1.0])", "x = 1.0; xn.draw(«xn.Variable(x)»)"),
    Remedy(
        "y = xn.Variable(1.0) * 2.0",
        "xn.draw(y).save(folder / 'y.bmp')",
        "xn.draw(y).save(folder / 'y.svg')",
        "name the file so",
    ),
    Remedy(
        "y = xn.Variable(1.0) * 2.0",
        "xn.draw(y).save(folder / 'not' / 'y.svg')",
        "xn.draw(y).save(folder / 'y.svg')",
        "choose another path",
    ),
    Remedy(
        "", "xn.use_backend('numpi').__enter__()", "xn.use_backend('numpy').__enter__()", "backend must be one of numpy"
    ),
    Remedy(
        "",
        "xn.use_backend('numpy', device='gpu').__enter__()",
        "xn.use_backend('numpy', device='cpu').__enter__()",
        "name it so, or by its index from 0",
    ),
    Remedy(
        "",
        "here.ahead(3)",
        "batches = datasets.Batches(xn.asarray([1.0]), xn.asarray([1.0]), 1); here.ahead(«batches.epoch(0)»)",
    ),
    Remedy("x = np.ones(2)", "list(here.ahead([x]))", "list(here.ahead([«(x,)»]))"),
    Remedy("", "Residual(shortcut=Relu(), **{})", "Residual(Relu(), shortcut=Relu())", "give it layers"),
    Remedy("", "Residual({'shortcut': Relu()})", "Residual({'f': Relu()}, «shortcut=»Relu())"),
    Remedy(
        "class Half(Layer):\n    def forward(self, x):\n        return x / 2.0",
        "Sequential(Half())",
        "Half.backward = lambda self, dout: dout / 2.0; Sequential(Half())",
        "must have a backward",
    ),
]
