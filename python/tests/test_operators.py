"""Operators whose answer the Worker has to give, or whose refusal; beside the CPU's."""

import pytest


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("ends", [False, True])
def test_gradients_of_an_embedding_bag(torch, mode, ends):
    def gradient(device):
        torch.manual_seed(0)
        bag = torch.nn.EmbeddingBag(10, 4, mode=mode, include_last_offset=ends).to(device)
        offsets = torch.tensor([0, 4, 8] if ends else [0, 4], device=device)
        result = bag(torch.tensor([1, 2, 4, 5, 4, 3, 2, 9], device=device), offsets)
        weights = torch.arange(result.numel(), device=device).reshape(result.shape)
        (result * weights).sum().backward()
        return bag.weight.grad.cpu()

    assert torch.equal(gradient("cuda"), gradient("cpu"))


def test_an_empty_output_is_filled(torch):
    x, out = torch.arange(6.0, device="cuda"), torch.empty(0, device="cuda")
    torch.masked_select(x, x > 3, out=out)
    assert out.tolist() == [4.0, 5.0]
    counts, edges = (torch.empty(0, device="cuda") for _ in range(2))
    torch.histogram(x, 2, out=(counts, edges))
    assert counts.tolist() == [3.0, 3.0] and edges.tolist() == [0.0, 2.5, 5.0]


def test_a_refusal_has_the_class_of_the_kernel_and_leaves_the_output_alone(torch):
    real, whole = torch.ones(2, device="cuda"), torch.ones(2, dtype=torch.int32, device="cuda")
    out = torch.ones(2, dtype=torch.complex64, device="cuda")
    with pytest.raises(RuntimeError, match="Half, Float or Double"):
        torch.complex(real, whole, out=out)
    assert out.tolist() == [1, 1]


def test_tensors_of_many_dimensions_are_refused_by_the_operator(torch):
    deep = torch.ones([1] * 65, device="cuda")
    with pytest.raises(RuntimeError, match="64 dims"):
        deep.sum(0)
    assert deep.add(1).flatten().tolist() == [2.0]


def test_strides_and_offsets_that_torch_refuses(torch):
    x = torch.arange(6.0, device="cuda")
    for size, stride, offset in (((2,), (-1,), 0), ((2,), (1,), -1), ((20,), (1,), 0)):
        with pytest.raises(RuntimeError):
            x.as_strided(size, stride, offset)
    with pytest.raises(RuntimeError, match="invalid storage offset"):
        x.set_(x.untyped_storage(), -1, (2,), (1,))


def test_masked_indices_beyond_the_tensor(torch):
    x = torch.arange(4.0, device="cuda")
    mask = torch.tensor([True, False], device="cuda")
    for _ in range(3):
        index = torch.tensor([1, 9], device="cuda")
        assert torch.ops.aten._unsafe_masked_index(x, mask, [index], 0).tolist() == [1.0, 0.0]


def test_distributions_draw_on_the_device(torch):
    rate = torch.full((2000,), 3.0, device="cuda")
    draws = {name: kind.sample().cpu() for name, kind in (
        ("poisson", torch.distributions.Poisson(rate)),
        ("binomial", torch.distributions.Binomial(10, rate / 10)),
        ("gamma", torch.distributions.Gamma(rate, torch.ones_like(rate))))}
    for name, drawn in draws.items():
        assert abs(drawn.mean().item() - 3) < 0.3, name
    sums = torch.distributions.Dirichlet(rate.view(500, 4)).sample().sum(1).cpu()
    assert torch.allclose(sums, torch.ones(500))
