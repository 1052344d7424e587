"""From a sequence to another: an encoder reads the question, a decoder writes the answer."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from xpnet.backend import array_namespace, backend_of, to_numpy
from xpnet.errors import ArgumentError
from xpnet.initializers import check_size
from xpnet.layers import LSTM, Embedding, Linear, Softmax, SoftmaxWithLoss
from xpnet.layers.container import Container
from xpnet.networks.choice import Choice, Host, is_whole
from xpnet.networks.generation import checked_prompts, generated, given_back
from xpnet.networks.network import Network
from xpnet.random import Generator, generator_of
from xpnet.typing import Array

SPREAD = 0.01  # of the vectors of symbols


class Encoder(Container):
    """The reader of a question, ``hs = LSTM(embedding(x))``.

    Shapes: ``x (N, L)`` integer, ``hs (N, L, H)``.
    Source: Deep Learning from Scratch 2, section 7.3.1.
    """

    differentiable = ()

    def __init__(self, vocabulary: int, width: int, hidden: int, rng: Generator) -> None:
        self.layers = {
            "Embedding1": Embedding.create(vocabulary, width, SPREAD, rng),
            "LSTM1": LSTM.create(width, hidden, rng=rng),
        }

    def forward(self, x: Array) -> Array:
        embedding, lstm = self.layers.values()
        hs: Array = lstm(embedding(x))
        return hs


class Decoder(Container):
    """The writer of an answer, ``y = linear(LSTM(embedding(seen)))``, whose LSTM starts with the encoder's last state.

    Its c starts at 0.

    Shapes: ``seen (N, T)`` integer, ``hs (N, L, H)``, ``y (N, T, V)``.
    Source: Sutskever et al., 2014; Deep Learning from Scratch 2, section 7.3.2.
    """

    differentiable = ("hs",)
    beside: ClassVar[tuple[int, int]] = (0, 0)  # how many times H values stand beside the input of LSTM and of Linear

    def __init__(self, vocabulary: int, width: int, hidden: int, rng: Generator) -> None:
        lstm, linear = (hidden * times for times in self.beside)
        self.layers = {
            "Embedding1": Embedding.create(vocabulary, width, SPREAD, rng),
            "LSTM1": LSTM.create(width + lstm, hidden, return_state=True, rng=rng),
            "Linear1": Linear.create(hidden + linear, vocabulary, "lecun", rng),
        }

    def forward(self, seen: Array, hs: Array) -> Array:
        return self.write(seen, hs, hs[:, -1, :])[0]

    def write(
        self,
        seen: Array,
        hs: Array,  # noqa: ARG002 (for decoders that look at more than its last state)
        h: Array,
        c: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        """Return the scores, and the states h and c after the last step."""
        embedding, lstm, linear = self.layers.values()
        y, h, c = lstm(embedding(seen), None, h, c)
        return linear(y), h, c


class PeekyDecoder(Decoder):
    """A decoder whose LSTM and Linear see the encoder's last state at every step, ``[h, embedding(seen)]``, ``[h, y]``.

    Source: Cho et al., 2014; Deep Learning from Scratch 2, section 7.4.2.
    """

    differentiable = ("hs",)
    beside = (1, 1)

    def write(self, seen: Array, hs: Array, h: Array, c: Array | None = None) -> tuple[Array, Array, Array]:
        embedding, lstm, linear = self.layers.values()
        e = embedding(seen)
        xp = array_namespace(hs, e)
        last = xp.broadcast_to(hs[:, -1:, :], (*seen.shape, hs.shape[2]))
        y, h, c = lstm(xp.concat([last, e], axis=2), None, h, c)
        return linear(xp.concat([last, y], axis=2)), h, c


class AttentionDecoder(Decoder):
    """A decoder that looks at the whole question, ``y = linear([a hs, d])`` with ``a = softmax(d hsᵀ)``.

    d are the states of its LSTM.

    Source: Luong et al., 2015, section 3.1; Deep Learning from Scratch 2, section 8.2.
    """

    differentiable = ("hs",)
    beside = (0, 1)

    def __init__(self, vocabulary: int, width: int, hidden: int, rng: Generator) -> None:
        super().__init__(vocabulary, width, hidden, rng)
        self.layers = {**self.layers, "Softmax1": Softmax()}

    def write(self, seen: Array, hs: Array, h: Array, c: Array | None = None) -> tuple[Array, Array, Array]:
        a, d, h, c = self.look(seen, hs, h, c)
        y = array_namespace(d, hs).concat([a @ hs, d], axis=2)
        return self.layers["Linear1"](y), h, c

    def look(self, seen: Array, hs: Array, h: Array, c: Array | None = None) -> tuple[Array, Array, Array, Array]:
        """Return the share of each symbol of the question at each step, ``(N, T, L)``, and the states of the LSTM."""
        d, h, c = self.layers["LSTM1"](self.layers["Embedding1"](seen), None, h, c)
        scores = d @ array_namespace(hs).matrix_transpose(hs)
        return self.layers["Softmax1"](scores), d, h, c


class Seq2seq(Network):
    """From a question to an answer, ``y = decoder(seen, encoder(x))``: the scores of the symbol after each one seen.

    Answers begin with a symbol of their own, such as ``_``. A batch of questions x and whole answers a is trained with
    ``net.gradient((x, a[:, :-1]), a[:, 1:])``, and ``generate`` writes answers. Where the answer follows the order of
    the question, reverse the questions: its first symbol is then near to the first of the answer.

    ``params`` has ``encoder.Embedding1.W``, ``encoder.LSTM1.Wx`` …, and the same of ``decoder``.

    Shapes: ``x (N, L)``, ``seen (N, T)``, ``t (N, T)`` integer, ``y (N, T, V)``.
    Raises: ``ArgumentError`` for sizes below 1.
    Source: Sutskever et al., 2014; Deep Learning from Scratch 2, section 7.3.

    >>> x = np.array([[1, 2, 3], [3, 1, 1]])
    >>> answers = np.array([[0, 3, 2, 1], [0, 1, 1, 3]])  # x backwards; 0 begins an answer
    >>> net, optimizer = Seq2seq(vocabulary=4, width=8, hidden=8), Adam(0.1)
    >>> for _ in range(40):
    ...     optimizer.update(net.params, net.gradient((x, answers[:, :-1]), answers[:, 1:]))
    >>> net.generate(x, start=0, count=3)
    array([[3, 2, 1],
           [1, 1, 3]])
    """

    differentiable = ()
    decoder: ClassVar[type[Decoder]] = Decoder

    def __init__(self, vocabulary: int, width: int, hidden: int, rng: Generator | None = None) -> None:
        who = type(self).__name__
        for name, size in {"vocabulary": vocabulary, "width": width, "hidden": hidden}.items():
            check_size(who, name, size)
        rng = generator_of(who, rng)
        sizes = (vocabulary, width, hidden)
        named = {"encoder": Encoder(*sizes, rng), "decoder": self.decoder(*sizes, rng)}
        super().__init__(named, loss=SoftmaxWithLoss())

    def forward(self, x: Array, seen: Array) -> Array:  # type: ignore[override]
        y: Array = self.layers["decoder"](seen, self.layers["encoder"](x))
        return y

    def generate(
        self,
        x: Array,
        start: int,
        count: int,
        temperature: float = 0.0,
        top_k: int | None = None,
        rng: Generator | None = None,
        **options: Any,
    ) -> Any:
        """Return ``count`` symbols of an answer to each question, each the one with the highest score after the others.

        ``start`` is the symbol with which answers begin; it is left out. A ``temperature`` above 0 draws the symbols
        instead; it and the other ``options``, such as ``stop`` and ``beams``, are as in ``TransformerLM.generate``.

        Shapes: ``x (L,)`` or ``(N, L)`` integer, result ``(count,)`` or ``(N, count)``.
        Raises: as ``TransformerLM.generate``, of which the questions are the prompts; ``ArgumentError`` for a start
        that is no symbol.
        """
        who, W = f"{type(self).__name__}.generate", self.params["encoder.Embedding1.W"]
        vocabulary = W.shape[0]
        if not is_whole(start) or not 0 <= start < vocabulary:
            must = f"start must be a symbol from 0 to {vocabulary - 1}"
            raise ArgumentError(who, must, repr(start), "encode it with the vocabulary of the training")
        temperature = 1.0 if "beams" in options else temperature
        choice = Choice(temperature, top_k, **options).checked(who, vocabulary)
        questions = np.stack(checked_prompts(who, "x", x, vocabulary))
        begun = list(np.full((len(questions), 1), start))
        found = generated(who, lambda: Writer(self, questions), begun, count, choice, generator_of(who, rng))
        return given_back(W, x, [answer[1:] for answer in found], choice.stop)


class Writer:
    """A ``Seq2seq`` that goes on with answers to questions; see ``Scoring``."""

    def __init__(self, network: Seq2seq, questions: Host) -> None:
        inside: Any = network.inferring()
        encoder, self.decoder = inside.layers.values()
        self.backend = backend_of(network.params["encoder.Embedding1.W"])
        self.hs = encoder(self.backend.asarray(questions))
        self.states = [self.hs[:, -1, :]]
        self.length = 0

    def scores(self, symbols: Host) -> Host:
        """Return the scores of what follows the symbols, of which only the new ones are seen."""
        new = self.backend.asarray(np.ascontiguousarray(symbols[:, self.length :]))
        y, *self.states = self.decoder.write(new, self.hs, *self.states)
        self.length = symbols.shape[1]
        return np.asarray(to_numpy(y[:, -1, :]), np.float64)

    def choose(self, rows: Host) -> None:
        """Go on with other samples."""
        chosen = self.backend.asarray(rows)
        self.hs, *self.states = (array_namespace(a).take(a, chosen, axis=0) for a in (self.hs, *self.states))


class PeekySeq2seq(Seq2seq):
    """From a question to an answer, ``y = decoder(seen, encoder(x))``, where every step sees the encoder's last state.

    As ``Seq2seq``, with a ``PeekyDecoder``.

    Source: Cho et al., 2014; Deep Learning from Scratch 2, section 7.4.2.

    >>> plain, peeky = Seq2seq(4, width=8, hidden=16), PeekySeq2seq(4, width=8, hidden=16)
    >>> [net.params["decoder.LSTM1.Wx"].shape[0] for net in (plain, peeky)]  # the symbol, and 16 more for the state
    [8, 24]
    """

    decoder = PeekyDecoder


class AttentionSeq2seq(Seq2seq):
    """From a question to an answer, ``y = decoder(seen, encoder(x))``, where every step looks at the whole question.

    As ``Seq2seq``, with an ``AttentionDecoder``; ``attention`` returns what it looks at.

    Source: Luong et al., 2015; Deep Learning from Scratch 2, section 8.2.

    >>> net = AttentionSeq2seq(vocabulary=4, width=8, hidden=8)
    >>> x, seen = np.array([[1, 2, 3]]), np.array([[0, 3]])
    >>> shares = net.attention(x, seen)  # of three symbols, at two steps
    >>> shares.shape, shares.sum(axis=2)
    ((1, 2, 3), array([[1., 1.]], dtype=float32))
    """

    decoder = AttentionDecoder

    def attention(self, x: Array, seen: Array) -> Array:
        """Return the share of each symbol of the question at each step of the answer; shares of a step add up to 1.

        Shapes: ``x (N, L)``, ``seen (N, T)`` integer, result ``(N, T, L)``.
        """
        inside: Any = self.inferring()
        encoder, decoder = inside.layers.values()
        hs = encoder(x)
        return decoder.look(seen, hs, hs[:, -1, :])[0]  # type: ignore[no-any-return]
