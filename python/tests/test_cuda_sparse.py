"""Sparse tensors: creation, conversion, sums and products, sparse gradients; others are refused."""

import pytest


@pytest.fixture
def pair(torch):
    """The same COO matrix on the host and on the device, with an entry that occurs twice."""
    indices = torch.tensor([[0, 1, 1, 0], [2, 0, 2, 2]])
    values = torch.tensor([3.0, 4.0, 5.0, 0.5])
    return (torch.sparse_coo_tensor(indices, values, (2, 3)),
            torch.sparse_coo_tensor(indices.cuda(), values.cuda(), (2, 3)))


def test_coo_comes_and_goes(torch, pair):
    host, device = pair
    assert device.is_sparse and device.is_cuda and device._nnz() == 4
    assert torch.equal(device.to_dense().cpu(), host.to_dense())
    merged, expected = device.coalesce(), host.coalesce()
    assert torch.equal(merged.indices().cpu(), expected.indices())
    assert torch.equal(merged.values().cpu(), expected.values())
    assert torch.equal(host.cuda().cpu().to_dense(), host.to_dense())
    assert torch.equal(host.to_dense().cuda().to_sparse().to_dense().cpu(), host.to_dense())
    assert "sparse_coo" in repr(device) and "cuda" in repr(device)


def test_coo_arithmetic(torch, pair):
    host, device = pair
    for use in (lambda s: s * 2, lambda s: s + s, lambda s: s.t(), lambda s: s / 4,
                lambda s: -s, lambda s: s - s.coalesce(), lambda s: s.coalesce().sqrt(),
                lambda s: s * s, lambda s: s.to_dense() + s, lambda s: torch.cat([s, s])):
        expected, result = use(host), use(device)
        if expected.is_sparse:
            expected, result = expected.to_dense(), result.to_dense()
        torch.testing.assert_close(result.cpu(), expected)
    assert device.sum().item() == host.sum().item()


def test_products_with_dense_matrices(torch, pair):
    host, device = pair
    dense = torch.randn(3, 4)
    for use in (torch.sparse.mm, torch.mm, lambda s, d: s @ d,
                lambda s, d: torch.sparse.addmm(torch.ones_like(d[:2]), s, d, beta=0.5)):
        torch.testing.assert_close(use(device, dense.cuda()).cpu(), use(host, dense))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        device @ torch.ones(4, 2, device="cuda")


def test_products_have_gradients(torch):
    indices = torch.tensor([[0, 1, 1], [2, 0, 2]])

    def gradients(device):
        torch.manual_seed(0)
        values = torch.randn(3).to(device).requires_grad_()
        dense = torch.randn(3, 2).to(device).requires_grad_()
        sparse = torch.sparse_coo_tensor(indices.to(device), values, (2, 3))
        torch.sparse.mm(sparse, dense).pow(2).sum().backward()
        return values.grad.cpu(), dense.grad.cpu()

    for a, b in zip(gradients("cuda"), gradients("cpu")):
        torch.testing.assert_close(a, b)


def test_csr(torch):
    host = torch.tensor([[1.0, 0, 2], [0, 3, 0]]).to_sparse_csr()
    device = torch.sparse_csr_tensor(host.crow_indices().cuda(), host.col_indices().cuda(),
                                     host.values().cuda(), host.shape)
    assert device.layout == torch.sparse_csr and device.is_cuda
    assert torch.equal(device.to_dense().cpu(), host.to_dense())
    assert torch.equal(host.cuda().to_dense().cpu(), host.to_dense())
    assert torch.equal(host.to_dense().cuda().to_sparse_csr().to_dense().cpu(), host.to_dense())
    dense = torch.randn(3, 4)
    torch.testing.assert_close((device @ dense.cuda()).cpu(), host @ dense)
    assert "sparse_csr" in repr(device)


def test_bags_of_embeddings_have_sparse_gradients(torch):
    index = torch.tensor([[1, 2], [2, 5]])

    def gradient(device):
        torch.manual_seed(0)
        model = torch.nn.EmbeddingBag(10, 4, sparse=True, mode="mean").to(device)
        model(index.to(device)).pow(2).sum().backward()
        assert model.weight.grad.is_sparse
        return model.weight.grad.to_dense().cpu()

    torch.testing.assert_close(gradient("cuda"), gradient("cpu"))


@pytest.mark.parametrize("name", ["SparseAdam", "SGD", "Adagrad"])
def test_sparse_embeddings_train(torch, name):
    index = torch.tensor([1, 2, 2, 5])

    def train(device):
        torch.manual_seed(0)
        model = torch.nn.Embedding(10, 4, sparse=True).to(device)
        optimizer = getattr(torch.optim, name)(list(model.parameters()), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            model(index.to(device)).pow(2).sum().backward()
            assert model.weight.grad.is_sparse
            optimizer.step()
        return model.weight.detach().cpu()

    torch.testing.assert_close(train("cuda"), train("cpu"))


def test_a_number_is_sparse_too(torch):
    def run(device):
        x, y = torch.tensor(3.0, device=device), torch.tensor(5.0, device=device)
        entry = x.to_sparse()
        twice = torch.sparse_coo_tensor(torch.empty(0, 2, dtype=torch.int64, device=device),
                                        torch.tensor([1.0, 2.0], device=device), ())
        y.sparse_mask(entry)._values().add_(1)  # a copy
        found = (y.sparse_mask(entry).to_dense(), y + entry, twice.coalesce().to_dense())
        return [t.cpu() for t in found]

    assert [t.item() for t in run("cuda")] == [t.item() for t in run("cpu")]


def test_what_no_worker_is_sent_is_refused(torch, pair):
    x = torch.ones(2, device="cuda")
    for use in (lambda: torch.quantize_per_tensor(x, 0.1, 0, torch.qint8),
                lambda: torch.nested.nested_tensor([x, x[:1]]),
                lambda: torch.sparse.softmax(pair[1], 0)):
        with pytest.raises(NotImplementedError, match="Could not run|not support"):
            use()
    assert x.sum().item() == 2.0
