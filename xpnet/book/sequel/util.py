"""The book's utilities: words and their numbers, counts of words, likeness of vectors, scores of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, sqrt
from typing import Any

import numpy

from xpnet.backend import array_namespace, backend_of, get_backend, make_backend, to_numpy
from xpnet.backend.libraries import NUMPY_ON_GPU
from xpnet.book.sequel.np import __getattr__ as __getattr__
from xpnet.errors import ArgumentError
from xpnet.typing import Array

__all__ = [
    "GPU",
    "analogy",
    "clip_grads",
    "convert_one_hot",
    "cos_similarity",
    "create_co_matrix",
    "create_contexts_target",
    "eval_perplexity",
    "eval_seq2seq",
    "most_similar",
    "normalize",
    "np",
    "ppmi",
    "preprocess",
    "to_cpu",
    "to_gpu",
]

Ids = Mapping[str, int]
Words = Mapping[int, str]


def preprocess(text: str) -> tuple[Array, dict[str, int], dict[int, str]]:
    """Return a text as numbers of words, and both ways between words and numbers; a full stop is a word.

    Source: Deep Learning from Scratch 2, section 2.3.1.

    >>> corpus, word_to_id, id_to_word = preprocess("You say goodbye and I say hello.")
    >>> corpus, word_to_id["say"]
    (array([0, 1, 2, 3, 4, 1, 5, 6]), 1)
    """
    words = text.lower().replace(".", " .").split(" ")
    word_to_id = {word: number for number, word in enumerate(dict.fromkeys(words))}
    id_to_word = {number: word for word, number in word_to_id.items()}
    return get_backend().asarray(numpy.asarray([word_to_id[word] for word in words])), word_to_id, id_to_word


def convert_one_hot(corpus: Array, vocab_size: int) -> Array:
    """Return numbers of words as one-hot rows of integers.

    Shapes: ``corpus (N,)`` or ``(N, C)``, result ``(N, V)`` or ``(N, C, V)``.
    Source: Deep Learning from Scratch 2, section 3.3.2.

    >>> convert_one_hot(np.array([2, 0]), 3)
    array([[0, 0, 1],
           [1, 0, 0]], dtype=int32)
    """
    return backend_of(corpus).asarray(numpy.eye(vocab_size, dtype=numpy.int32)[to_numpy(corpus)], dtype="int32")


def create_co_matrix(corpus: Array, vocab_size: int, window_size: int = 1) -> Array:
    """Return how often each word stands within ``window_size`` of each other, ``(V, V)`` of integers.

    Source: Deep Learning from Scratch 2, section 2.3.4.

    >>> create_co_matrix(np.array([0, 1, 2, 1]), vocab_size=3)
    array([[0, 1, 0],
           [1, 0, 2],
           [0, 2, 0]], dtype=int32)
    """
    numbers, counts = to_numpy(corpus), numpy.zeros((vocab_size, vocab_size), dtype=numpy.int32)
    for distance in range(1, window_size + 1):
        left, right = numbers[:-distance], numbers[distance:]
        numpy.add.at(counts, (left, right), 1)
        numpy.add.at(counts, (right, left), 1)
    return backend_of(corpus).asarray(counts, dtype="int32")


def ppmi(C: Array, verbose: bool = False, eps: float = 1e-8) -> Array:
    """Return the positive pointwise mutual information, ``max(0, log₂(C[i, j] Σ C / (Sᵢ Sⱼ) + ε))``, in float32.

    S are the sums of the columns. ``verbose`` tells when it is done.

    Source: Deep Learning from Scratch 2, section 2.4.1.

    >>> ppmi(np.array([[0, 2], [2, 0]]))
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """
    counts = to_numpy(C).astype(numpy.float64)
    sums = counts.sum(axis=0)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        information = numpy.log2(counts * counts.sum() / (sums * sums[:, None]) + eps)
    positive = numpy.maximum(numpy.nan_to_num(information, nan=0.0), 0.0)
    if verbose:
        print("100.0% done")
    return backend_of(C).asarray(positive, dtype="float32")


def create_contexts_target(corpus: Array, window_size: int = 1) -> tuple[Array, Array]:
    """Return the words around each word, and the word, for all words with ``window_size`` words on both sides.

    Shapes: ``corpus (n,)``, results ``(N, 2 window_size)`` and ``(N,)`` with ``N = n - 2 window_size``.
    Source: Deep Learning from Scratch 2, section 3.3.1.

    >>> create_contexts_target(np.array([0, 1, 2, 3]))
    (array([[0, 2],
           [1, 3]]), array([1, 2]))
    """
    numbers = to_numpy(corpus)
    windows = numpy.lib.stride_tricks.sliding_window_view(numbers, 2 * window_size + 1)
    around = numpy.delete(windows, window_size, axis=1)
    backend = backend_of(corpus)
    return backend.asarray(around), backend.asarray(numpy.ascontiguousarray(windows[:, window_size]))


def to_cpu(x: Any) -> numpy.ndarray[Any, Any]:
    """Return an array on the host.

    >>> to_cpu(np.array([1.0]))
    array([1.])
    """
    return to_numpy(x)


def to_gpu(x: Any) -> Array:
    """Return an array on the GPU, in its own dtype.

    Raises: ``BackendError`` where CuPy does not work.

    >>> to_gpu(np.ones(2))  # doctest: +SKIP
    array([1., 1.])
    """
    host = to_numpy(x)
    return make_backend(NUMPY_ON_GPU).asarray(host, dtype=host.dtype.name)


def cos_similarity(x: Array, y: Array, eps: float = 1e-8) -> Array:
    """Return the cosine of two vectors, ``x · y / (‖x‖ ‖y‖)``, with ε added to each length.

    Source: Deep Learning from Scratch 2, section 2.3.5.

    >>> cos_similarity(np.array([1.0, 0.0]), np.array([5.0, 5.0])).round(4)
    np.float64(0.7071)
    """
    xp = array_namespace(x, y)
    return xp.vecdot(x / (length(x) + eps), y / (length(y) + eps))  # type: ignore[no-any-return]


def length(x: Array) -> Array:
    """Return the length of the vectors along the last axis."""
    xp = array_namespace(x)
    return xp.sqrt(xp.sum(x * x, axis=-1, keepdims=x.ndim > 1))  # type: ignore[no-any-return]


def normalize(x: Array) -> Array:
    """Divide a vector, or each row, by its length, in place, and return it.

    >>> normalize(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    x /= length(x)
    return x


def most_similar(query: str, word_to_id: Ids, id_to_word: Words, word_matrix: Array, top: int = 5) -> None:
    """Print the words whose vectors have the largest cosine with that of a word.

    Source: Deep Learning from Scratch 2, section 2.3.6.

    >>> words, vectors = {0: "you", 1: "i", 2: "car"}, np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    >>> most_similar("you", {"you": 0, "i": 1, "car": 2}, words, vectors, top=1)
    <BLANKLINE>
    [query] you
     i: 0.99...
    """
    if not all_known([query], word_to_id):
        return
    print(f"\n[query] {query}")
    vectors = to_numpy(word_matrix)
    cosines = numpy.asarray(cos_similarity(vectors, vectors[word_to_id[query]][None, :]))
    print_highest(cosines, id_to_word, {query}, top)


def analogy(
    a: str,
    b: str,
    c: str,
    word_to_id: Ids,
    id_to_word: Words,
    word_matrix: Array,
    top: int = 5,
    answer: str | None = None,
) -> None:
    """Print the words that are to c as b is to a: the highest products of their vectors with ``b - a + c`` of length 1.

    Source: Deep Learning from Scratch 2, section 4.3.2.

    >>> words, numbers = {0: "king", 1: "man", 2: "queen", 3: "woman"}, {"king": 0, "man": 1, "queen": 2, "woman": 3}
    >>> vectors = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, -1.0], [0.0, -1.0]])
    >>> analogy("man", "king", "woman", numbers, words, vectors, top=1)
    <BLANKLINE>
    [analogy] man:king = woman:?
     queen: 1.41...
    """
    if not all_known([a, b, c], word_to_id):
        return
    print(f"\n[analogy] {a}:{b} = {c}:?")
    vectors = to_numpy(word_matrix)
    query = normalize(vectors[word_to_id[b]] - vectors[word_to_id[a]] + vectors[word_to_id[c]])
    scores: Any = vectors @ query
    if answer is not None:
        print(f"==>{answer}:{scores[word_to_id[answer]]}")
    print_highest(scores, id_to_word, {a, b, c}, top)


def all_known(words: Sequence[str], word_to_id: Ids) -> bool:
    """Return whether there are numbers for all words; print the first for which there is none."""
    unknown = next((word for word in words if word not in word_to_id), None)
    if unknown is not None:
        print(f"{unknown} is not found")
    return unknown is None


def print_highest(scores: Any, id_to_word: Words, but: set[str], top: int) -> None:
    """Print the words with the highest scores, leaving out some, and those without a number."""
    words = [(id_to_word[int(i)], scores[i]) for i in numpy.argsort(-scores) if not numpy.isnan(scores[i])]
    for word, score in [pair for pair in words if pair[0] not in but][:top]:
        print(f" {word}: {score}")


def clip_grads(grads: Sequence[Any], max_norm: float) -> None:
    """Shrink gradients in place to a joint length of at most ``max_norm``, ``dW min(1, max_norm / (‖dW‖ + 1e-6))``.

    Source: Deep Learning from Scratch 2, section 6.1.4.

    >>> grads = [np.array([3.0]), np.array([4.0])]
    >>> clip_grads(grads, max_norm=1.0)
    >>> grads
    [array([0.6]), array([0.8])]
    """
    squares = sum(array_namespace(dW).sum(dW * dW) for dW in grads)
    rate = max_norm / (sqrt(float(to_numpy(squares))) + 1e-6)
    if rate < 1.0:
        for dW in grads:
            dW *= rate


def eval_perplexity(model: Any, corpus: Array, batch_size: int = 10, time_size: int = 35) -> float:
    """Return the perplexity of a language model on a text, ``exp(mean loss)``; the model is not trained.

    Raises: ``ArgumentError`` for a text that is shorter than a batch.
    Source: Deep Learning from Scratch 2, section 6.4.4.

    >>> class Model:  # for which each of 4 symbols is as likely as another
    ...     def forward(self, xs, ts):
    ...         return np.log(4.0)
    >>> perplexity = eval_perplexity(Model(), np.arange(40) % 4, batch_size=2, time_size=5)
    evaluating perplexity ...
    >>> round(perplexity, 4)
    4.0
    """
    print("evaluating perplexity ...")
    numbers = to_numpy(corpus)
    steps, jump = (len(numbers) - 1) // (batch_size * time_size), (len(numbers) - 1) // batch_size
    if steps == 0:
        must, remedy = f"corpus must have more than {batch_size * time_size} words", "give smaller batches"
        raise ArgumentError("eval_perplexity", must, len(numbers), remedy)
    backend, total = backend_of(corpus), 0.0
    for step in range(steps):
        places = (numpy.arange(batch_size)[:, None] * jump + step * time_size + numpy.arange(time_size)) % len(numbers)
        xs, ts = (backend.asarray(numbers[at % len(numbers)]) for at in (places, places + 1))
        try:
            loss = model.forward(xs, ts, train_flg=False)
        except TypeError:
            loss = model.forward(xs, ts)
        total += float(to_numpy(loss))
        print(f"\r{step} / {steps}", end="", flush=True)
    print()
    return exp(total / steps)


def eval_seq2seq(
    model: Any,
    question: Array,
    correct: Array,
    id_to_char: Words,
    verbose: bool = False,
    is_reverse: bool = False,
) -> int:
    """Return 1 if a model writes the right answer to a question, else 0; ``verbose`` prints both.

    Source: Deep Learning from Scratch 2, section 7.3.4.

    >>> class Model:
    ...     def generate(self, question, start, count):
    ...         return [2, 1]
    >>> eval_seq2seq(Model(), np.array([[1, 2]]), np.array([[0, 2, 1]]), {0: "_", 1: "a", 2: "b"})
    1
    """
    start, *right = map(int, to_numpy(correct).flatten())
    written = [int(symbol) for symbol in model.generate(question, start, len(right))]
    if verbose:
        asked, told, guess = (
            "".join(id_to_char[int(i)] for i in ids) for ids in (to_numpy(question).flatten(), right, written)
        )
        mark, colour = ("☑", 92) if written == right else ("☒", 91)
        print(f"Q {asked[::-1] if is_reverse else asked}\nT {told}\n\033[{colour}m{mark}\033[0m {guess}\n---")
    return int(written == right)
