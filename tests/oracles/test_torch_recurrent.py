"""Recurrent layers against torch's over packed sequences: outputs, last states and all gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.layers import GRU, LSTM, RNN, LayerNormalizedLSTM, PeepholeLSTM
from xpnet.random import Generator

torch = pytest.importorskip("torch")

DTYPES = pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-4)])
SIZES = st.integers(1, 5)
SEEDS = st.integers(0, 2**32 - 1)
MODULES = {RNN: torch.nn.RNN, LSTM: torch.nn.LSTM, GRU: torch.nn.GRU}
KINDS = pytest.mark.parametrize("kind", MODULES)


def numbers(seed: int, dtype, *shapes) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def agree(found, expected, tolerance: float) -> None:
    """Relative to the largest value: where a gradient is a difference, its rounding is that of what it is made of."""
    for a, b in zip(found, expected, strict=True):
        b = b.detach().numpy()
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(1.0, float(np.max(np.abs(b), initial=0))))


def tensors(*arrays) -> list:
    return [torch.tensor(array, requires_grad=True) for array in arrays]


def module_of(kind, inputs: int, hidden: int, seed: int, dtype, **options):
    """A module of torch with random weights."""
    module = MODULES[kind](inputs, hidden, batch_first=True, **options).to(getattr(torch, np.dtype(dtype).name))
    values = numbers(seed, dtype, *[p.shape for p in module.parameters()])
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), values, strict=True):
            parameter.copy_(torch.tensor(value))
    return module


def as_ours(kind, arrays) -> list:
    """The arrays of one layer of torch, as the docstrings convert them."""
    Wx, Wh, bx, bh = arrays
    return [Wx.T, Wh.T, *((bx, bh) if kind is GRU else (bx + bh,))]


def gradients_of(kind, module) -> list:
    found = []
    grads = [parameter.grad for parameter in module.parameters()]
    for at in range(0, len(grads), 4):
        Wx, Wh, bx, bh = grads[at : at + 4]
        found += [Wx.T, Wh.T, bx, *([bh] if kind is GRU else [])]
    return found


def packed(module, x, lengths, state):
    """The padded output and the last states of torch."""
    pack = torch.nn.utils.rnn.pack_padded_sequence
    given = pack(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    y, last = module(given, state)
    return torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0], last


@KINDS
@DTYPES
@given(n=SIZES, steps=SIZES, inputs=SIZES, hidden=SIZES, sequences=st.booleans(), by_mask=st.booleans(), seed=SEEDS)
def test_padded_sequences_from_given_states(kind, dtype, tolerance, n, steps, inputs, hidden, sequences, by_mask, seed):
    module = module_of(kind, inputs, hidden, seed, dtype)
    arrays = [parameter.detach().numpy() for parameter in module.parameters()]
    layer = kind(*as_ours(kind, arrays), return_sequences=sequences, return_state=True)
    x, *states = numbers(seed + 1, dtype, (n, steps, inputs), *[(n, hidden)] * len(layer.state))
    lengths = np.random.default_rng(seed).integers(1, steps + 1, n)
    mask = np.arange(steps) < lengths[:, None] if by_mask else lengths
    y, *last = layer(x, mask, *states)
    douts = numbers(seed + 2, dtype, y.shape, *[state.shape for state in states])
    found = [y, *last, *layer.backward(*douts), *layer.grads.values()]

    x, *states = tensors(x, *states)
    before = tuple(state[None] for state in states)
    z, after = packed(module, x, lengths, before if kind is LSTM else before[0])
    after = [state[0] for state in (after if kind is LSTM else (after,))]
    expected = [z if sequences else after[0], *after]
    sum((one * torch.tensor(dout)).sum() for one, dout in zip(expected, douts, strict=True)).backward()
    agree(found, [*expected, x.grad, *[state.grad for state in states], *gradients_of(kind, module)], tolerance)


@KINDS
@DTYPES
@given(layers=st.integers(1, 3), both=st.booleans(), sequences=st.booleans(), seed=SEEDS)
def test_several_layers_in_one_direction_or_both(kind, dtype, tolerance, layers, both, sequences, seed):
    module = module_of(kind, 3, 2, seed, dtype, num_layers=layers, bidirectional=both)
    arrays = [parameter.detach().numpy() for parameter in module.parameters()]
    stack = kind.stacked(3, 2, layers, bidirectional=both, return_sequences=sequences)
    ours = [array for at in range(0, len(arrays), 4) for array in as_ours(kind, arrays[at : at + 4])]
    for name, array in zip(stack.params, ours, strict=True):
        layer, attribute = stack.params.place(name)
        setattr(layer, attribute, array)
    (x,) = numbers(seed + 1, dtype, (3, 4, 3))
    lengths = np.random.default_rng(seed).integers(1, 5, 3)
    y = stack(x, lengths)
    (dout,) = numbers(seed + 2, dtype, y.shape)
    dx = stack.backward(dout)

    (x_torch,) = tensors(x)
    z, last = packed(module, x_torch, lengths, None)
    last = last[0] if kind is LSTM else last
    if not sequences:
        z = torch.cat(list(last[-2:] if both else last[-1:]), dim=-1)
    z.backward(torch.tensor(dout))
    agree([y, dx, *stack.grads.values()], [z, x_torch.grad, *gradients_of(kind, module)], tolerance)


@KINDS
def test_a_kept_state_goes_on_as_torch_s_does_and_backward_ends_at_the_first_step(kind):
    module = module_of(kind, 2, 3, 0, np.float64)
    arrays = [parameter.detach().numpy() for parameter in module.parameters()]
    layer = kind(*as_ours(kind, arrays), stateful=True)
    state = None
    for segment in numbers(1, np.float64, (4, 3, 2), (4, 5, 2)):
        y = layer(segment)
        dx = layer.backward(1.0)
        module.zero_grad()
        (x,) = tensors(segment)
        expected, state = module(x, state)
        expected.sum().backward()
        state = tuple(part.detach() for part in state) if kind is LSTM else state.detach()
        agree([y, dx, *layer.grads.values()], [expected, x.grad, *gradients_of(kind, module)], 1e-10)


def gates_of(a) -> list:
    i, f, g, o = a.chunk(4, dim=1)
    return [torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)]


def rnn(x, seen, h, Wx, Wh, b):
    return (torch.rnn_tanh_cell(x, seen, Wx.T, Wh.T, b, torch.zeros_like(b)),)


def lstm(x, seen, h, c, Wx, Wh, b):
    return torch.lstm_cell(x, (seen, c), Wx.T, Wh.T, b, torch.zeros_like(b))


def gru(x, seen, h, Wx, Wh, bx, bh):
    """The state that is passed on is not dropped: torch's cell takes one state for both."""
    (a_r, a_z, a_n), (u_r, u_z, u_n) = (x @ Wx + bx).chunk(3, dim=1), (seen @ Wh + bh).chunk(3, dim=1)
    z = torch.sigmoid(a_z + u_z)
    return ((1 - z) * torch.tanh(a_n + torch.sigmoid(a_r + u_r) * u_n) + z * h,)


def gru_of_2014(x, seen, h, Wx, Wh, b):
    (a_r, a_z, a_n), (W_r, W_z, W_n) = (x @ Wx + b).chunk(3, dim=1), Wh.chunk(3, dim=1)
    r, z = torch.sigmoid(a_r + seen @ W_r), torch.sigmoid(a_z + seen @ W_z)
    return ((1 - z) * torch.tanh(a_n + (r * seen) @ W_n) + z * h,)


def peephole(x, seen, h, c, Wx, Wh, b, p_i, p_f, p_o):
    i, f, g, o = (x @ Wx + seen @ Wh + b).chunk(4, dim=1)
    c = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
    return torch.sigmoid(o + p_o * c) * torch.tanh(c), c


def normalized(x, seen, h, c, Wx, Wh, b, gamma_x, gamma_h, gamma_c, beta_c):
    def norm(v, *weights):
        return torch.nn.functional.layer_norm(v, v.shape[1:], *weights)

    i, f, g, o = gates_of(norm(x @ Wx, gamma_x) + norm(seen @ Wh, gamma_h) + b)
    c = f * c + i * g
    return o * torch.tanh(norm(c, gamma_c, beta_c)), c


CELLS = {
    "RNN": (RNN, rnn, {}),
    "LSTM": (LSTM, lstm, {}),
    "GRU": (GRU, gru, {}),
    "GRU, reset before": (GRU, gru_of_2014, {"reset_after": False}),
    "PeepholeLSTM": (PeepholeLSTM, peephole, {}),
    "LayerNormalizedLSTM": (LayerNormalizedLSTM, normalized, {}),
}


@pytest.mark.parametrize("name", CELLS)
@given(n=SIZES, steps=SIZES, hidden=SIZES, ratio=st.sampled_from([0.0, 0.4]), seed=SEEDS)
def test_steps_written_out_in_torch_with_one_mask_of_a_sequence(name, n, steps, hidden, ratio, seed):
    kind, step, options = CELLS[name]
    layer = kind.create(2, hidden, return_state=True, recurrent_dropout=ratio, rng=Generator(seed), **options)
    layer = layer.astype("float64")
    values = numbers(seed, np.float64, *[array.shape for array in layer.params.values()])
    for attribute, value in zip(layer.parameters, values, strict=True):
        setattr(layer, attribute, value)
    states = type(layer).state
    x, *before = numbers(seed + 1, np.float64, (n, steps, 2), *[(n, hidden)] * len(states))
    y, *last = layer(x, None, *before)
    douts = numbers(seed + 2, np.float64, y.shape, *[state.shape for state in last])
    found = [y, *last, *layer.backward(*douts), *layer.grads.values()]

    kept = Generator(seed).mask((n, hidden), 1 - ratio, f"{kind.__name__}2") / (1 - ratio) if ratio else 1.0
    x, *before = tensors(x, *before)
    weights, now, hs = tensors(*values), before, []
    for t in range(steps):
        now = step(x[:, t], now[0] * torch.as_tensor(kept), *now, *weights)
        hs.append(now[0])
    expected = [torch.stack(hs, dim=1), *now]
    sum((one * torch.tensor(dout)).sum() for one, dout in zip(expected, douts, strict=True)).backward()
    agree(found, [*expected, *[one.grad for one in (x, *before, *weights)]], 1e-9)
