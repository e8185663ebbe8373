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


def test_every_output_of_a_list_is_filled(torch):
    x = torch.arange(12.0).view(3, 4)
    for given in ((0,), (3, 1)):
        out = [torch.empty(given, device="cuda") for _ in range(4)]
        torch.split_with_sizes_copy(x.cuda(), [1, 1, 1, 1], 1, out=out)
        assert all(torch.equal(a.cpu(), b) for a, b in zip(out, x.split(1, 1)))
    out = [torch.empty(0, device="cuda") for _ in range(3)]
    torch.unbind_copy(x.cuda(), out=out)
    assert all(torch.equal(a.cpu(), b) for a, b in zip(out, x.unbind()))


@pytest.mark.parametrize("left", (True, False))
def test_an_output_holds_what_is_conjugate(torch, left):
    torch.manual_seed(0)
    lu, pivots = torch.linalg.lu_factor(torch.randn(3, 3, dtype=torch.complex64))
    b = torch.randn(3, 3, dtype=torch.complex64)
    out = torch.empty(3, 3, dtype=torch.complex64, device="cuda")
    torch.linalg.lu_solve(lu.cuda(), pivots.cuda(), b.cuda(), left=left, out=out)
    torch.testing.assert_close(out.cpu(), torch.linalg.lu_solve(lu, pivots, b, left=left))


def test_an_output_that_is_laid_out_anew_is_so_here(torch):
    weight, x = torch.randn(4, 3), torch.randn(3)
    for device in ("cpu", "cuda"):
        out = torch.full((8,), -1.0, device=device)[::2]
        torch._C._nn.linear(x.to(device), weight.to(device), out=out)
        assert out.stride() == (1,)
        torch.testing.assert_close(out.cpu(), torch.mv(weight, x))


@pytest.mark.parametrize("mask_shape", [(6, 7), (2, 1, 1, 7), (2, 3, 6, 7), (1, 3, 1, 7)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_masked_attention_has_the_bits_of_the_cpu(torch, mask_shape, dtype):
    torch.manual_seed(0)
    dtype = getattr(torch, dtype)
    given = [torch.randn(2, 3, n, 16, dtype=dtype) for n in (6, 7, 7)]
    for mask in (torch.rand(mask_shape) > 0.3, torch.randn(mask_shape, dtype=dtype)):
        results = []
        for device in ("cpu", "cuda"):
            q, k, v = (t.detach().to(device).requires_grad_() for t in given)
            out = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask.to(device))
            out.square().sum().backward()
            results.append([t.detach().cpu() for t in (out, q.grad, k.grad, v.grad)])
        for found, wanted in zip(*results):
            torch.testing.assert_close(found, wanted, rtol=0, atol=0, equal_nan=True)


def test_attention_broadcasts_and_leaves_the_fused_one_where_stock_torch_does(torch):
    torch.manual_seed(0)
    attend = torch.nn.functional.scaled_dot_product_attention
    q, mask = torch.randn(2, 3, 6, 16), torch.randn(6, 6)
    for k in (torch.randn(1, 3, 6, 16), torch.randn(2, 3, 6, 16)[..., ::2].repeat(1, 1, 1, 2)):
        for given in (mask, mask.clone().requires_grad_()):
            wanted = attend(q, k, k, given)
            found = attend(q.cuda(), k.cuda(), k.cuda(), given.detach().cuda())
            torch.testing.assert_close(found.cpu(), wanted.detach())
    learned = mask.cuda().requires_grad_()
    attend(q.cuda(), q.cuda(), q.cuda(), learned).sum().backward()
    wanted = mask.clone().requires_grad_()
    attend(q, q, q, wanted).sum().backward()
    torch.testing.assert_close(learned.grad.cpu(), wanted.grad)
