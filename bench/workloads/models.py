"""Models of the benchmarks: small by default, sizes as arguments."""

import torch
import torch.nn.functional as F
from torch import nn


class MLP(nn.Module):
    def __init__(self, inputs=32, width=64, classes=10):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width),
                                    nn.GELU(), nn.Linear(width, classes))

    def forward(self, x):
        return self.layers(x)


class CNN(nn.Module):
    """Convolution, batch norm, both poolings, dropout."""

    def __init__(self, width=8, classes=10, dropout=0.0):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, 2 * width, 3), nn.BatchNorm2d(2 * width)
        self.head, self.dropout = nn.Linear(2 * width, classes), nn.Dropout(dropout)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
        x = F.relu(self.norm2(self.conv2(x)))
        return self.head(self.dropout(F.adaptive_avg_pool2d(x, 1).flatten(1)))


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = (t.view(batch, tokens, self.heads, -1).transpose(1, 2)
                   for t in self.qkv(self.norm1(x)).split(width, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)))))


class GPT(nn.Module):
    """Causal attention through SDPA, output weights tied to the embedding."""

    def __init__(self, vocabulary=101, width=32, heads=4, layers=2, tokens=16, dropout=0.0):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(tokens, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, ids):
        x = self.embedding(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).flatten(0, 1)


class Recurrent(nn.Module):
    """Two layers of nn.LSTM or nn.GRU over vectors, classes of the last state."""

    def __init__(self, kind, inputs=8, width=16, classes=5):
        super().__init__()
        self.cells = kind(inputs, width, num_layers=2, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


class EncoderDecoder(nn.Module):
    def __init__(self, vocabulary=23, width=16):
        super().__init__()
        self.source, self.target = nn.Embedding(vocabulary, width), nn.Embedding(vocabulary, width)
        self.transformer = nn.Transformer(width, 2, 1, 1, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, source, target):
        mask = torch.triu(torch.ones(target.shape[1], target.shape[1], dtype=torch.bool,
                                     device=target.device), 1)
        y = self.transformer(self.source(source), self.target(target), tgt_mask=mask)
        return self.head(y).flatten(0, 1)


class VAE(nn.Module):
    def __init__(self, inputs=24, width=32, latent=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(),
                                     nn.Linear(width, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, width), nn.Tanh(), nn.Linear(width, inputs))

    def forward(self, x, noise):
        """Negative evidence bound; `noise` is standard normal."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        y = self.decoder(mean + noise * (0.5 * log_variance).exp())
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
        return F.binary_cross_entropy_with_logits(y, x, reduction="sum") / len(x) + divergence
